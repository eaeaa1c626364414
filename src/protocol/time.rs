//! Times as text, RFC 3339 and a little more.

/// A moment: seconds since 1970, and nanoseconds after that second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    pub seconds: i64,
    pub nanoseconds: u32,
}

impl Time {
    /// Milliseconds since 1970, rounded to the nearest.
    pub fn rounded_ms(self) -> i64 {
        self.seconds * 1000 + (i64::from(self.nanoseconds) + 500_000) / 1_000_000
    }

    /// The last millisecond since 1970 that is not after it.
    pub fn floor_ms(self) -> i64 {
        self.seconds * 1000 + i64::from(self.nanoseconds) / 1_000_000
    }
}

/// Reads `YYYY-MM-DDThh:mm:ss`, perhaps with a fraction of a second and `Z`, `±hh:mm` or `±hhmm`;
/// UTC without a zone. Digits beyond nanoseconds are ignored.
pub fn parse(text: &str) -> Option<Time> {
    let (date, time) = text.split_once('T')?;
    let (year, month, day) = parse_date(date)?;
    let (clock, rest) = time.split_at_checked("hh:mm:ss".len())?;
    let [hour, minute, second] = numbers(clock, ':')?;
    // A leap second is the first one of the next minute.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (nanoseconds, zone) = parse_fraction(rest)?;
    let seconds = days_since_epoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Time {
        seconds: seconds - parse_zone(zone)?,
        nanoseconds,
    })
}

fn parse_date(date: &str) -> Option<(i64, i64, i64)> {
    let (year, rest) = date.split_at_checked("YYYY".len())?;
    let [month, day] = numbers(rest.strip_prefix('-')?, '-')?;
    let year = number(year)?;
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => return None,
    };
    (1..=days).contains(&day).then_some((year, month, day))
}

/// The fraction in nanoseconds, and what follows it.
fn parse_fraction(text: &str) -> Option<(u32, &str)> {
    let Some(text) = text.strip_prefix('.') else {
        return Some((0, text));
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return None;
    }
    let (fraction, rest) = text.split_at(digits);
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    let nanoseconds = digits.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    Some((nanoseconds, rest))
}

/// The zone's distance from UTC in seconds.
fn parse_zone(zone: &str) -> Option<i64> {
    if matches!(zone, "" | "Z") {
        return Some(0);
    }
    let (sign, distance) = match zone.strip_prefix('+') {
        Some(distance) => (1, distance),
        None => (-1, zone.strip_prefix('-')?),
    };
    let (hour, minute) = distance.split_at_checked("hh".len())?;
    let (hour, minute) = (number(hour)?, minute.strip_prefix(':').unwrap_or(minute));
    let minute = (minute.len() == 2).then(|| number(minute))??;
    (hour <= 23 && minute <= 59).then_some(sign * (hour * 3600 + minute * 60))
}

/// Exactly `N` numbers of two digits.
fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let mut words = text.split(separator);
    let mut numbers = [0; N];
    for slot in &mut numbers {
        *slot = words.next().filter(|word| word.len() == 2).and_then(number)?;
    }
    words.next().is_none().then_some(numbers)
}

/// A number of digits only.
fn number(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, negative before it.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    // With March as the first month, the leap day is the last of its year, and the days before a
    // month follow a formula.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + leap_days + day_of_year - EPOCH
}

/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_over_leap_years() {
        assert_eq!(days_since_epoch(1970, 1, 1), 0);
        assert_eq!(days_since_epoch(1969, 12, 31), -1);
        assert_eq!(days_since_epoch(2000, 2, 29), 11_016);
        assert_eq!(days_since_epoch(2000, 3, 1), 11_017);
        assert_eq!(days_since_epoch(1, 1, 1), -719_162);
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut expected = days_since_epoch(1899, 12, 31);
        for year in 1900..=2101 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if parse_date(&format!("{year:04}-{month:02}-{day:02}")).is_some() {
                        expected += 1;
                        assert_eq!(days_since_epoch(year, month, day), expected);
                    }
                }
            }
        }
        assert_eq!(expected, days_since_epoch(2101, 12, 31));
    }

    #[test]
    fn odd_texts_are_refused_and_never_panic() {
        for text in [
            "",
            "T",
            "2024-01-01",
            "2024-01-01T",
            "2024-01-01T00:00",
            "2024-01-01T00:00:00.",
            "é024-01-01T00:00:00",
            "2024-01-01T00:00:0é",
            "2024-01-01T00:00:00é",
            "2024-01-01T00:00:00+é:00",
            "+024-01-01T00:00:00",
            "2024-01-01T00:00:00+01:0",
            "2024-01-01T00:00:00+01",
            "2024-01-01T00:00:00ZZ",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn fractions_are_rounded_or_cut_to_milliseconds() {
        let ms = |text| parse(text).map(|time| (time.rounded_ms(), time.floor_ms()));
        assert_eq!(ms("1970-01-01T00:00:01.0005Z"), Some((1001, 1000)));
        assert_eq!(ms("1970-01-01T00:00:01.999999999999Z"), Some((2000, 1999)));
        assert_eq!(ms("1969-12-31T23:59:59.9994Z"), Some((-1, -1)));
        assert_eq!(ms("1969-12-31T23:59:59.9995Z"), Some((0, -1)));
    }
}

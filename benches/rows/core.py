"""Core NATS in the column "nats-py". Each coroutine returns nanoseconds and a list of latencies."""

import asyncio
from time import perf_counter_ns

from nats.errors import NoRespondersError

HEADERS = {"Bench-Number": "12345", "Bench-Text": "some text"}


async def publish(nc, count, size, width):
    payload = b"x" * size
    start = perf_counter_ns()
    for _ in range(count):
        await nc.publish("bench.publish", payload)
    await round_trip(nc)
    return perf_counter_ns() - start, []


async def deliver(nc, count, size, width):
    return await through_server(nc, ["bench.deliver"], count, size)


async def deliver_dict(nc, count, size, width):
    return await through_server(nc, ["bench.dict"], count, size, HEADERS)


async def subscriptions(nc, count, size, width):
    return await through_server(nc, [f"bench.many.{i}" for i in range(width)], count, size)


async def through_server(nc, subjects, count, size, headers=None):
    payload = b"x" * size
    left = count
    done = asyncio.Event()

    async def received(message):
        nonlocal left
        if headers:
            message.headers["Bench-Number"]
        left -= 1
        if left == 0:
            done.set()

    # Without limits nothing is dropped.
    limits = {"pending_msgs_limit": 0, "pending_bytes_limit": 0}
    subscriptions = [await nc.subscribe(subject, cb=received, **limits) for subject in subjects]
    await round_trip(nc)
    start = perf_counter_ns()
    for i in range(count):
        await nc.publish(subjects[i % len(subjects)], payload, headers=headers)
    await done.wait()
    time = perf_counter_ns() - start
    for subscription in subscriptions:
        await subscription.unsubscribe()
    await round_trip(nc)
    return time, []


async def request(nc, count, size, width):
    return await side_by_side(nc, count, size, 1)


async def side_by_side(nc, count, size, width):
    payload = b"x" * size
    latencies = []

    async def ask_in_turn(each):
        for _ in range(each):
            asked = perf_counter_ns()
            await nc.request("bench.echo", payload, timeout=60)
            latencies.append(perf_counter_ns() - asked)

    width = min(width, count)
    start = perf_counter_ns()
    await asyncio.gather(*(ask_in_turn(count // width) for _ in range(width)))
    time = perf_counter_ns() - start
    return time * count // len(latencies), latencies


async def round_trip(nc):
    """Returns when the server has everything that was sent before. A flush does not tell: its PING
    goes out ahead of what is buffered."""
    try:
        await nc.request("bench.nobody", timeout=600)
    except NoRespondersError:
        pass


WORKS = {
    "publish": publish,
    "deliver": deliver,
    "deliver_dict": deliver_dict,
    "subscriptions": subscriptions,
    "request": request,
    "request_async": side_by_side,
    "request_many": side_by_side,
}

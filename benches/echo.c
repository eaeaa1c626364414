/*
 * Answers requests with their own payload at next to no cost, the same for all columns.
 *
 *   echo PORT      answers at bench.echo until the server on that port goes away
 *
 * All answers to what one read brings are written at once. It prints "ready" when it is subscribed.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIZE = 4 << 20 };
static char in[SIZE], out[2 * SIZE];

static void send_all(int fd, const char *bytes, size_t length) {
    while (length) {
        ssize_t sent = write(fd, bytes, length);
        if (sent <= 0) exit(0);
        bytes += sent;
        length -= sent;
    }
}

static int connect_to(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
        perror("echo");
        exit(1);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* Takes one operation of `length` bytes at most; returns its length, 0 if it is incomplete. */
static size_t take(char *bytes, size_t length, size_t *answered) {
    char *end = memchr(bytes, '\n', length), subject[256], reply[256];
    unsigned sid, size;
    if (!end) return 0;
    size_t line = end + 1 - bytes;
    if (!strncmp(bytes, "MSG ", 4)) {
        *end = 0;
        int words = sscanf(bytes, "MSG %255s %u %255s %u", subject, &sid, reply, &size);
        *end = '\n';
        if (words != 4) {
            fprintf(stderr, "echo: not a request: %.*s", (int)line, bytes);
            exit(1);
        }
        if (line + size + 2 > length) return 0;
        *answered += sprintf(out + *answered, "PUB %s %u\r\n", reply, size);
        memcpy(out + *answered, bytes + line, size + 2);
        *answered += size + 2;
        return line + size + 2;
    }
    if (!strncmp(bytes, "PING", 4)) *answered += sprintf(out + *answered, "PONG\r\n");
    if (!strncmp(bytes, "PONG", 4)) {
        puts("ready");
        fflush(stdout);
    }
    return line;
}

int main(int argc, char **argv) {
    static const char hello[] = "CONNECT {\"verbose\":false}\r\nSUB bench.echo 1\r\nPING\r\n";
    if (argc != 2) return fprintf(stderr, "usage: echo PORT\n"), 1;
    int fd = connect_to(atoi(argv[1]));
    send_all(fd, hello, sizeof hello - 1);
    for (size_t kept = 0;;) {
        ssize_t count = read(fd, in + kept, SIZE / 2 - kept);
        if (count <= 0) return 0;
        size_t length = kept + count, done = 0, answered = 0, taken;
        while ((taken = take(in + done, length - done, &answered))) done += taken;
        send_all(fd, out, answered);
        memmove(in, in + done, kept = length - done);
    }
}

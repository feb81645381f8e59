// Ping-pong: one connection, one message outstanding, no epoll in between. The client sleeps in the receive, or spins.
// gcc -O2 pingpong.c -o pingpong; ./pingpong PORT BYTES SECONDS [spin]
// Warms up for a second. Prints: requests  requests/s  p50 us  p99 us  p99.9 us
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { SLOTS = 1000000 /* 10 ns each: up to 10 ms */, MAX_SIZE = 65536 };
static unsigned hist[SLOTS];
static char out[MAX_SIZE], in[MAX_SIZE];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}
static double percentile(long total, double q) {
  long seen = 0;
  for (int i = 0; i < SLOTS; i++)
    if ((seen += hist[i]) >= total * q) return i / 100.0;
  return SLOTS / 100.0;
}
int main(int argc, char **argv) {
  if (argc < 4 || atoi(argv[2]) < 1 || atoi(argv[2]) > MAX_SIZE) {
    fprintf(stderr, "pingpong PORT BYTES SECONDS [spin]\n");
    return 2;
  }
  int port = atoi(argv[1]), size = atoi(argv[2]), one = 1;
  double seconds = atof(argv[3]);
  int flags = argc > 4 && !strcmp(argv[4], "spin") ? MSG_DONTWAIT : 0;
  int s = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(s, (void *)&to, sizeof to)) { perror("connect"); return 1; }
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  long done = 0;
  double begin = now() + 1, end = begin + seconds, sent = now();
  while (sent < end) {
    memset(out, (char)done, size);
    if (send(s, out, size, MSG_NOSIGNAL) != size) { perror("send"); return 1; }
    for (int got = 0; got < size;) {
      int n = recv(s, in + got, size - got, flags);
      if (n > 0) { got += n; continue; }
      if (n == 0 || (errno != EAGAIN && errno != EINTR)) { fprintf(stderr, "closed by the server\n"); return 1; }
    }
    double t = now();
    if (memcmp(in, out, size)) { fprintf(stderr, "not an echo\n"); return 1; }
    if (sent >= begin) {
      long slot = (long)((t - sent) * 1e8);
      hist[slot < SLOTS ? slot : SLOTS - 1]++;
      done++;
    }
    sent = t;
  }
  printf("%ld %.0f %.2f %.2f %.2f\n", done, done / seconds, percentile(done, .5), percentile(done, .99), percentile(done, .999));
}

// The epoll limit: one thread, level-triggered, echo or a fixed HTTP reply per CRLFCRLF.
// gcc -O2 epoll_server.c -o epoll_server; ./epoll_server PORT [http] [spin]
// -DKEEP_ALIVE tells a client of HTTP/1.0, such as ab, that the connection stays.
// PORT 0 takes a free one. Prints "port N" and "ready" when it listens. Ends by itself after an hour.
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char REPLY[] =
    "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nContent-Type: text/plain\r\nServer: c\r\n"
#ifdef KEEP_ALIVE
    "Connection: keep-alive\r\n"
#endif
    "Date: Fri, 20 Nov 2026 12:00:00 GMT\r\n\r\nHello, World!";

int main(int argc, char **argv) {
  int http = 0, wait = -1, one = 1;
  for (int i = 2; i < argc; i++) {
    if (!strcmp(argv[i], "http")) http = 1;
    if (!strcmp(argv[i], "spin")) wait = 0;
  }
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (void *)&at, sizeof at) || listen(listener, 4096)) return 1;
  socklen_t size = sizeof at;
  getsockname(listener, (void *)&at, &size);
  printf("port %d\nready\n", ntohs(at.sin_port));
  fflush(stdout);
  alarm(3600);
  int ep = epoll_create1(0);
  struct epoll_event ev = {.events = EPOLLIN, .data.fd = listener}, evs[1024];
  epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev);
  static char in[65536], out[1 << 20];
  for (;;) {
    int n = epoll_wait(ep, evs, 1024, wait);
    for (int i = 0; i < n; i++) {
      int fd = evs[i].data.fd;
      if (fd == listener) {
        int s;
        while ((s = accept4(listener, 0, 0, SOCK_NONBLOCK)) >= 0) {
          setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
          ev.events = EPOLLIN;
          ev.data.fd = s;
          epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev);
        }
        continue;
      }
      int got = recv(fd, in, sizeof in, 0);
      if (got <= 0) { close(fd); continue; }
      if (!http) { send(fd, in, got, MSG_NOSIGNAL); continue; }
      int len = 0;
      for (int k = 0; k + 3 < got; k++)
        if (!memcmp(in + k, "\r\n\r\n", 4)) {
          memcpy(out + len, REPLY, sizeof REPLY - 1);
          len += sizeof REPLY - 1;
          k += 3;
        }
      if (len) send(fd, out, len, MSG_NOSIGNAL);
    }
  }
}

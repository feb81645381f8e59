// The io_uring limit: one thread, multishot accept and receive, one provided-buffer ring, DEFER_TASKRUN.
// gcc -O2 uring_server.c -o uring_server -luring; ./uring_server PORT [http]
// PORT 0 takes a free one. Prints "port N" and "ready" when it listens. Ends by itself after an hour.
#define _GNU_SOURCE
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BUFFERS = 4096, BUFFER_SIZE = 4096, MAX_REPLIES = 64 };
enum kind { ACCEPT = 1, RECV, SEND };
#define TAG(kind, low) (((unsigned long long)(kind) << 32) | (unsigned)(low))
#define OWNS_BUFFER 0x80000000u

static const char REPLY[] =
    "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nContent-Type: text/plain\r\nServer: c\r\n"
    "Date: Fri, 20 Nov 2026 12:00:00 GMT\r\n\r\nHello, World!";
static struct io_uring ring;
static struct io_uring_buf_ring *pool;
static char *memory;

static struct io_uring_sqe *next_sqe(void) {
  struct io_uring_sqe *s = io_uring_get_sqe(&ring);
  if (!s) { io_uring_submit(&ring); s = io_uring_get_sqe(&ring); }
  return s;
}
static void give_back(int id) {
  io_uring_buf_ring_add(pool, memory + (long)id * BUFFER_SIZE, BUFFER_SIZE, id, BUFFERS - 1, 0);
  io_uring_buf_ring_advance(pool, 1);
}
static void arm_receive(int fd) {
  struct io_uring_sqe *s = next_sqe();
  io_uring_prep_recv_multishot(s, fd, 0, 0, 0);
  s->flags |= IOSQE_BUFFER_SELECT;
  s->user_data = TAG(RECV, fd);
}
static void on_receive(struct io_uring_cqe *c, int http, char *replies) {
  int fd = (int)c->user_data, id = c->flags >> 16;
  if (c->res <= 0) {
    if (c->flags & IORING_CQE_F_BUFFER) give_back(id);
    if (c->res == -ENOBUFS) arm_receive(fd); else close(fd);
    return;
  }
  char *data = memory + (long)id * BUFFER_SIZE;
  struct io_uring_sqe *s;
  if (http) {
    int n = 0;
    for (int k = 0; k + 3 < c->res && n < MAX_REPLIES; k++)
      if (!memcmp(data + k, "\r\n\r\n", 4)) { n++; k += 3; }
    give_back(id);
    if (n) {
      s = next_sqe();
      io_uring_prep_send(s, fd, replies, n * (sizeof REPLY - 1), MSG_NOSIGNAL);
      s->user_data = TAG(SEND, 0);
      s->flags |= IOSQE_CQE_SKIP_SUCCESS;
    }
  } else {
    s = next_sqe();
    io_uring_prep_send(s, fd, data, c->res, MSG_NOSIGNAL);
    s->user_data = TAG(SEND, OWNS_BUFFER | id);
  }
  if (!(c->flags & IORING_CQE_F_MORE)) arm_receive(fd);
}

int main(int argc, char **argv) {
  int http = argc > 2 && !strcmp(argv[2], "http"), one = 1;
  static char replies[MAX_REPLIES * sizeof REPLY];
  for (int i = 0; i < MAX_REPLIES; i++) memcpy(replies + i * (sizeof REPLY - 1), REPLY, sizeof REPLY - 1);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (void *)&at, sizeof at) || listen(listener, 4096)) return 1;
  struct io_uring_params p = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
                              .cq_entries = 8192};
  if (io_uring_queue_init_params(2048, &ring, &p) < 0) return 2;
  memory = mmap(0, (long)BUFFERS * BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  pool = mmap(0, BUFFERS * sizeof(struct io_uring_buf), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct io_uring_buf_reg reg = {.ring_addr = (unsigned long)pool, .ring_entries = BUFFERS};
  if (io_uring_register_buf_ring(&ring, &reg, 0)) return 3;
  io_uring_buf_ring_init(pool);
  for (int i = 0; i < BUFFERS; i++) give_back(i);
  struct io_uring_sqe *s = next_sqe();
  io_uring_prep_multishot_accept(s, listener, 0, 0, 0);
  s->user_data = TAG(ACCEPT, 0);
  io_uring_submit(&ring);
  socklen_t size = sizeof at;
  getsockname(listener, (void *)&at, &size);
  printf("port %d\nready\n", ntohs(at.sin_port));
  fflush(stdout);
  alarm(3600);
  for (;;) {
    io_uring_submit_and_wait(&ring, 1);
    struct io_uring_cqe *c;
    unsigned head, seen = 0;
    io_uring_for_each_cqe(&ring, head, c) {
      seen++;
      switch (c->user_data >> 32) {
        case ACCEPT:
          if (c->res >= 0) { setsockopt(c->res, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); arm_receive(c->res); }
          break;
        case RECV: on_receive(c, http, replies); break;
        case SEND: if (c->user_data & OWNS_BUFFER) give_back(c->user_data & 0xffff); break;
      }
    }
    io_uring_cq_advance(&ring, seen);
  }
}

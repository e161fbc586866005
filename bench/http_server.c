/*
** A minimal server for bench/http.lua: one thread, epoll, keep-alive, one fixed response for every GET, after an
** optional latency in milliseconds. Prints its port, and ends at the end of its stdin.
**
**   http_server [milliseconds]
*/
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MAX_FDS 1024
#define BODY                                                                                       \
  "{\"webhookId\":\"webhook_XXXXXXXXXXXXXXX\",\"createdAt\":\"2021-01-08T14:12:18.000Z\","         \
  "\"events\":[\"video.encoding.quality.completed\",\"video.source.recorded\","                    \
  "\"video.caption.generated\",\"video.summary.generated\",\"live-stream.broadcast.started\","     \
  "\"live-stream.broadcast.ended\",\"video.published\",\"video.deleted\"],"                        \
  "\"url\":\"https://hooks.example.com/notifications/of/the/encoding/department?tenant=4711\","    \
  "\"description\":\"Everything that happens to a video of the encoding department, from its "     \
  "upload to the day on which it is deleted; received by the queue of the archive\","              \
  "\"signatureSecret\":\"sig_sec_Abcd12348RLP7VPLi7nYVh\"}"

typedef struct due {
  int fd;
  struct timespec at;
} due;

static char response[2048];
static size_t response_len;
static long latency;              /* milliseconds */
static unsigned matched[MAX_FDS]; /* per descriptor: matched bytes of the end of a request */
static due queue[MAX_FDS];        /* delayed responses; a ring, because all have the same latency */
static unsigned first, waiting;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void prepare_response(void) {
  const int len = snprintf(
      response, sizeof response,
      "HTTP/1.1 200 OK\r\nDate: Mon, 06 Jan 2025 12:00:00 GMT\r\n"
      "Content-Type: application/json\r\nContent-Length: %zu\r\nConnection: keep-alive\r\n"
      "X-RateLimit-Limit: 1000000\r\nX-RateLimit-Remaining: 999999\r\nX-RateLimit-Retry-After: "
      "42\r\n\r\n%s",
      strlen(BODY), BODY);
  if (len < 0 || (size_t)len >= sizeof response) fail("snprintf");
  response_len = (size_t)len;
}

static int listen_on_loopback(void) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t len = sizeof address;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, MAX_FDS) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &len) != 0)
    fail("listen");
  printf("%d\n", ntohs(address.sin_port));
  (void)fflush(stdout);
  return fd;
}

static void watch(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN};
  event.data.fd = fd;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

static void accept_one(int epoll, int listening) {
  const int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK), on = 1;
  if (fd < 0 || fd >= MAX_FDS) fail("accept");
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  matched[fd] = 0;
  watch(epoll, fd);
}

static void send_response(int fd) {
  if (send(fd, response, response_len, MSG_NOSIGNAL) != (ssize_t)response_len) (void)close(fd);
}

static void arm(int timer) {
  struct itimerspec when = {.it_value = queue[first].at};
  if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL) != 0) fail("timerfd_settime");
}

static void respond_later(int timer, int fd) {
  due *last = &queue[(first + waiting) % MAX_FDS];
  last->fd = fd;
  (void)clock_gettime(CLOCK_MONOTONIC, &last->at);
  last->at.tv_nsec += latency * 1000000;
  last->at.tv_sec += last->at.tv_nsec / 1000000000;
  last->at.tv_nsec %= 1000000000;
  if (waiting++ == 0) arm(timer);
}

static bool is_due(const due *item) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec > item->at.tv_sec ||
         (now.tv_sec == item->at.tv_sec && now.tv_nsec >= item->at.tv_nsec);
}

static void send_due(int timer) {
  unsigned long long expirations;
  if (read(timer, &expirations, sizeof expirations) < 0) return;
  while (waiting > 0 && is_due(&queue[first])) {
    send_response(queue[first].fd);
    first = (first + 1) % MAX_FDS;
    waiting--;
  }
  if (waiting > 0) arm(timer);
}

/* Reads the available bytes, and responds at each empty line. */
static void serve(int timer, int fd) {
  static const char end[] = "\r\n\r\n";
  char data[65536];
  const ssize_t len = recv(fd, data, sizeof data, 0);
  ssize_t i;
  if (len <= 0) {
    (void)close(fd);
    return;
  }
  for (i = 0; i < len; i++) {
    matched[fd] = data[i] == end[matched[fd]] ? matched[fd] + 1 : data[i] == '\r';
    if (matched[fd] < sizeof end - 1) continue;
    matched[fd] = 0;
    if (latency > 0)
      respond_later(timer, fd);
    else
      send_response(fd);
  }
}

int main(int argc, char **argv) {
  const int epoll = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  int listening;
  latency = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
  prepare_response();
  listening = listen_on_loopback();
  watch(epoll, listening);
  watch(epoll, timer);
  watch(epoll, STDIN_FILENO);
  for (;;) {
    struct epoll_event events[64];
    const int count = epoll_wait(epoll, events, 64, -1);
    int i;
    for (i = 0; i < count; i++) {
      const int fd = events[i].data.fd;
      if (fd == listening)
        accept_one(epoll, listening);
      else if (fd == timer)
        send_due(timer);
      else if (fd == STDIN_FILENO)
        return 0;
      else
        serve(timer, fd);
    }
  }
}

/*
** A minimal server for bench/server.lua: libmicrohttpd in one thread, which reads a request's body and responds
** 204. Prints its port, and ends at the end of its stdin.
*/
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <microhttpd.h>

#define MAX_CONNECTIONS 1000

/* Called with the headers, with each part of the body, and at its end. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **state) {
  (void)url, (void)method, (void)version, (void)data;
  if (*state == NULL) {
    *state = context;
    return MHD_YES;
  }
  if (*len == 0) return MHD_queue_response(connection, MHD_HTTP_NO_CONTENT, context);
  *len = 0;
  return MHD_YES;
}

int main(void) {
  struct MHD_Response *empty = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
  struct MHD_Daemon *daemon =
      MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, empty,
                       MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS, MHD_OPTION_END);
  char byte;
  if (daemon == NULL) return EXIT_FAILURE;
  printf("%u\n", (unsigned)MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
  (void)fflush(stdout);
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
  return EXIT_SUCCESS;
}

/*
** request.h: one request, from its request line to the end of its response. libmicrohttpd calls back
** for each part. A complete request waits in the server's queue until it is taken, and then for its response.
*/
#ifndef APIVIDEO_REQUEST_H
#define APIVIDEO_REQUEST_H

#include "server_internal.h"

/* The callbacks of libmicrohttpd: MHD_OPTION_URI_LOG_CALLBACK, MHD_AccessHandlerCallback,
   MHD_RequestCompletedCallback, MHD_NotifyConnectionCallback. Their context is the server. */
void *server_request_on_target(void *context, const char *target,
                               struct MHD_Connection *connection);
enum MHD_Result server_request_on_part(void *context, struct MHD_Connection *connection,
                                       const char *url, const char *method, const char *version,
                                       const char *data, size_t *len, void **state);
void server_request_on_completed(void *context, struct MHD_Connection *connection, void **state,
                                 enum MHD_RequestTerminationCode code);
void server_request_on_connection(void *context, struct MHD_Connection *connection,
                                  void **socket_context, enum MHD_ConnectionNotificationCode code);

/* Resumes the connections of all requests that have no response. */
void server_request_resume_all(server *self);

#endif

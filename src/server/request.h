/*
** request.h: one request, from its request line to the end of its response. libmicrohttpd calls back
** for each part; a request that is complete waits in the server's queue until it is taken, and then
** for its response, by id.
*/
#ifndef APIVIDEO_REQUEST_H
#define APIVIDEO_REQUEST_H

#include "server.h"

#define STALLED_MS 250 /* between two checks for requests that libmicrohttpd no longer reads */

/* The callbacks of libmicrohttpd: MHD_OPTION_URI_LOG_CALLBACK, MHD_AccessHandlerCallback,
   MHD_RequestCompletedCallback, MHD_NotifyConnectionCallback. Their context is the server. */
void *request_on_target(void *context, const char *target, struct MHD_Connection *connection);
enum MHD_Result request_on_part(void *context, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *len, void **state);
void request_on_completed(void *context, struct MHD_Connection *connection, void **state,
                          enum MHD_RequestTerminationCode code);
void request_on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                           enum MHD_ConnectionNotificationCode code);

/* Whether it is complete and has no response yet. */
bool request_is_waiting(const server_request *request);

#endif

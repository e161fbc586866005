/*
** response.h: what is sent back for a request. (server.h has the functions for the binding.)
*/
#ifndef APIVIDEO_RESPONSE_H
#define APIVIDEO_RESPONSE_H

#include "server_internal.h"

/* Creates the empty responses; false when memory is out. */
bool server_response_open(server *self);
void server_response_close(server *self);

/* Sends an empty response with "Connection: close", for a request that no handler receives. */
enum MHD_Result server_response_reject(server *self, struct MHD_Connection *connection,
                                       unsigned status);
/* Sends the response to a complete request if there is one; else suspends its connection, or closes it. */
enum MHD_Result server_response_await(server_request *request);
/* Resumes the connection of a request, so that libmicrohttpd asks for its response again. */
void server_response_resume(server_request *request);
/* Closes the connection of a request without a response, once libmicrohttpd is run. */
void server_response_abort(server_request *request);
/* Frees what a request has of its response. */
void server_response_free(server *self, server_request *request);

#endif

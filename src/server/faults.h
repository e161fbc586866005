/*
** faults.h: connections that end in ways that no server means to, for a server in tests.
*/
#ifndef APIVIDEO_FAULTS_H
#define APIVIDEO_FAULTS_H

#include "server.h"

struct sockaddr;

/* libmicrohttpd's MHD_AcceptPolicyCallback: lets a connection in, or closes it. */
enum MHD_Result faults_accept(void *context, const struct sockaddr *address, socklen_t len);
/* Ends the connections held by server_cut whose clients have left. */
void faults_watch(server *self);
/* Ends them all. */
void faults_release(server *self);
/* Forgets a request that is held: its connection has ended by itself. */
void faults_forget(server *self, const server_request *request);

#endif

#ifndef APIVIDEO_DESCRIPTORS_H
#define APIVIDEO_DESCRIPTORS_H

/*
** Opens /dev/null in place of each of the descriptors 0 to 2 that is closed: to be called before anything
** else is opened. A socket would get the number otherwise, and what is printed would be sent to a peer, or
** end the process by SIGPIPE. Like 0 to 2 themselves, it stays open.
*/
void descriptors_fill(void);

#endif

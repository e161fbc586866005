#ifndef APIVIDEO_PIN_H
#define APIVIDEO_PIN_H

/*
** Keeps the shared object that this is linked into mapped until the process ends. lua_close unloads C
** modules, but a resolver thread of libcurl, or a signal handler in another thread, may still run in one.
** In code, not by a flag of the linker: LuaRocks and other builds choose their own flags.
*/
void pin_module(void);

#endif

/*
** pin.h: a module that stays mapped.
*/
#ifndef APIVIDEO_PIN_H
#define APIVIDEO_PIN_H

/* Keeps the shared object that contains this function mapped until the process ends. lua_close unloads C modules, but
   a resolver thread of libcurl, or a signal handler in another thread, may still be running in one. Done in code and
   not by a flag of the linker, because LuaRocks and other builds use their own flags. */
void pin_module(void);

#endif

/*
** The characters of HTTP messages: see http_syntax.h.
*/
#include "http_syntax.h"

/* 1 for each token character (RFC 9110, 5.6.2). */
/* clang-format off */
static const unsigned char in_token[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1,
    ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1,  ['~'] = 1,
    ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1,  ['6'] = 1, ['7'] = 1,
    ['8'] = 1, ['9'] = 1,
    ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1, ['F'] = 1,  ['G'] = 1, ['H'] = 1,
    ['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1, ['M'] = 1, ['N'] = 1,  ['O'] = 1, ['P'] = 1,
    ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1,  ['W'] = 1, ['X'] = 1,
    ['Y'] = 1, ['Z'] = 1,
    ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1, ['f'] = 1,  ['g'] = 1, ['h'] = 1,
    ['i'] = 1, ['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1,  ['o'] = 1, ['p'] = 1,
    ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1, ['v'] = 1,  ['w'] = 1, ['x'] = 1,
    ['y'] = 1, ['z'] = 1};
/* clang-format on */

size_t http_token_len(const char *text, size_t len) {
  size_t i = 0;
  while (i < len && in_token[(unsigned char)text[i]] != 0) i++;
  return i;
}

bool http_is_token(const char *text, size_t len) {
  return len > 0 && http_token_len(text, len) == len;
}

size_t http_name_len(const char *line, size_t len) {
  const size_t name = http_token_len(line, len);
  return name < len && line[name] == ':' ? name : 0;
}

bool http_is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool http_is_clean(const char *text, size_t len) {
  size_t i;
  for (i = 0; i < len; i++) {
    const unsigned char c = (unsigned char)text[i];
    if ((c < 0x20 && c != '\t') || c == 0x7F) return false;
  }
  return true;
}

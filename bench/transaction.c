/*
** Executes a trace of bench/transaction.lua with SQLite: the floor of an inbox. Prints for each part of the trace its
** name, and the microseconds of processor time of an event.
**
**   transaction file.db file.trace
**
** Only the execution is measured, not the reading of the trace.
*/
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include <sqlite3.h>

#define MAX_STATEMENTS 4096
#define MAX_VALUES 32

typedef struct value {
  double number;
  const char *text; /* in the trace */
  int len;
  char kind; /* as bench/transaction.lua writes it: d, i, n or t */
} value;

static sqlite3 *db;
static sqlite3_stmt *statements[MAX_STATEMENTS];
static int statement_count;
static const char *at; /* in the trace, which ends with a NUL */

static __attribute__((noreturn)) void fail(const char *what) {
  (void)fprintf(stderr, "transaction: %s: %s\n", what, db != NULL ? sqlite3_errmsg(db) : "");
  exit(EXIT_FAILURE);
}

static void expect(int is_true, const char *what) {
  if (!is_true) fail(what);
}

static double now_us(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void map_trace(const char *path) {
  struct stat status;
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  expect(fd >= 0 && fstat(fd, &status) == 0, path);
  at = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  expect(at != MAP_FAILED, path);
}

static long read_integer(void) {
  char *end;
  const long number = strtol(at, &end, 10);
  expect(end != at, "a number expected");
  at = end;
  return number;
}

/* A number that is less than `limit`. */
static int read_index(int limit) {
  const long number = read_integer();
  expect(number >= 0 && number < limit, "a smaller number expected");
  return (int)number;
}

/* A length, and the bytes in the next line. */
static const char *read_text(int *len) {
  const char *text;
  *len = read_index(1 << 20);
  text = at + 1;
  at = text + *len;
  return text;
}

static void prepare(void) {
  int len;
  const char *const sql = read_text(&len);
  expect(statement_count < MAX_STATEMENTS, "too many statements");
  expect(sqlite3_prepare_v2(db, sql, len, &statements[statement_count++], NULL) == SQLITE_OK,
         "prepare");
}

static void read_value(value *v) {
  char *end;
  while (*at == '\n') at++;
  v->kind = *at++;
  if (v->kind == 't') v->text = read_text(&v->len);
  if (v->kind != 'd' && v->kind != 'i') return;
  v->number = strtod(at, &end);
  at = end;
}

static void bind(sqlite3_stmt *statement, int i, const value *v) {
  if (v->kind == 'd')
    (void)sqlite3_bind_double(statement, i, v->number);
  else if (v->kind == 'i')
    (void)sqlite3_bind_int(statement, i, (int)v->number);
  else if (v->kind == 't')
    (void)sqlite3_bind_text(statement, i, v->text, v->len, SQLITE_STATIC);
  else
    (void)sqlite3_bind_null(statement, i);
}

/* Executes a statement to its end, and reads the values of its rows. */
static void run(sqlite3_stmt *statement, const value *values, int count) {
  int i, result;
  (void)sqlite3_reset(statement);
  for (i = 0; i < count; i++) bind(statement, i + 1, &values[i]);
  while ((result = sqlite3_step(statement)) == SQLITE_ROW)
    for (i = 0; i < sqlite3_column_count(statement); i++) (void)sqlite3_column_text(statement, i);
  expect(result == SQLITE_DONE, sqlite3_sql(statement));
  (void)sqlite3_reset(statement);
}

/* Reads a call of a statement, and executes it. Returns the microseconds of the execution. */
static double execute(void) {
  value values[MAX_VALUES] = {{0, NULL, 0, 'n'}};
  double began;
  sqlite3_stmt *const statement = statements[read_index(statement_count)];
  const int count = read_index(MAX_VALUES + 1);
  int i;
  for (i = 0; i < count; i++) read_value(&values[i]);
  began = now_us();
  run(statement, values, count);
  return now_us() - began;
}

static void close_statement(void) {
  const int number = read_index(statement_count);
  (void)sqlite3_finalize(statements[number]);
  statements[number] = NULL;
}

/* The number of events, and the name. */
static void end_part(double taken) {
  const long events = read_integer();
  const int len = (int)strcspn(++at, "\n");
  printf("%.*s %.3f\n", len, at, taken / (double)events);
  at += len;
}

int main(int argc, char **argv) {
  double taken = 0;
  expect(argc == 3, "transaction file.db file.trace");
  map_trace(argv[2]);
  expect(sqlite3_open(argv[1], &db) == SQLITE_OK, argv[1]);
  while (*at != '\0') {
    const char kind = *at++;
    if (kind == 'S') prepare();
    if (kind == 'E') taken += execute();
    if (kind == 'C') close_statement();
    if (kind == 'P') {
      end_part(taken);
      taken = 0;
    }
  }
  return sqlite3_close_v2(db) == SQLITE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

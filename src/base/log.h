#pragma once
/*
 * Messages to the person who runs porthole: one line each on standard error, control characters
 * escaped. Only agent/, source/ and cli/ log, once per cause, and name the object.
 */
enum log_level {
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
};

/* What is printed: messages at or above this level of importance. LOG_INFO at start. */
void log_set_level(enum log_level max);
void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

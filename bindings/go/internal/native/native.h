// The functions of pact_telemetry.h, one to one. They call the library through a table that pact_telemetry_go_load
// fills. A test compares these declarations with the library's own.
#ifndef PACT_TELEMETRY_GO_NATIVE_H
#define PACT_TELEMETRY_GO_NATIVE_H

#include <stdint.h>

typedef struct PactTelemetry PactTelemetry;

// Returns why this process must not open a library, or NULL if it may.
const char *pact_telemetry_go_refusal(void);

// Returns the C library of the program as the last part of a platform's name: "-gnu", "-musl"; "" where there is only
// one.
const char *pact_telemetry_go_libc(void);

// Opens the library at this path (or uses the linked one) and fills the table. Returns 0 on success; otherwise it
// writes a readable text into error. It is called once in a process, before all functions below.
int32_t pact_telemetry_go_load(const char *path, uint32_t abi, char *error, uint32_t error_capacity);

uint32_t pact_telemetry_go_abi_version(void);

const char *pact_telemetry_go_version(void);

const char *pact_telemetry_go_status_name(int32_t status);

PactTelemetry *pact_telemetry_go_new(const char *config_json, char *error, uint32_t error_capacity);

int32_t pact_telemetry_go_track(PactTelemetry *client,
                                const char *event,
                                const char *category,
                                const char *action,
                                int64_t value,
                                const char *plugin_name,
                                const char *plugin_version);

int32_t pact_telemetry_go_set_enabled(PactTelemetry *client, int32_t enabled);

int32_t pact_telemetry_go_is_enabled(const PactTelemetry *client);

int32_t pact_telemetry_go_explain(const PactTelemetry *client, char *out, uint32_t capacity);

int32_t pact_telemetry_go_preview(const PactTelemetry *client,
                                  const char *event,
                                  const char *category,
                                  const char *action,
                                  int64_t value,
                                  const char *plugin_name,
                                  const char *plugin_version,
                                  char *out,
                                  uint32_t capacity);

int32_t pact_telemetry_go_stats(const PactTelemetry *client, char *out, uint32_t capacity);

int32_t pact_telemetry_go_persist(PactTelemetry *client, uint32_t timeout_ms);

int32_t pact_telemetry_go_flush(PactTelemetry *client, uint32_t timeout_ms);

int32_t pact_telemetry_go_close(PactTelemetry *client, uint32_t timeout_ms);

void pact_telemetry_go_free(PactTelemetry *client);

#endif

/* The conformance replayer of the C ABI: answers each line of JSON on standard input with one, see README.md. Every
 * byte of the library's texts is taken as it comes; a text that does not end within its capacity is shown as
 * "unterminated". */
#include <pact_telemetry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
static int setenv(const char *name, const char *value, int overwrite)
{
    (void)overwrite;
    return _putenv_s(name, value);
}

static int unsetenv(const char *name)
{
    return _putenv_s(name, "");
}
#endif

enum Kind { MISSING, NULL_VALUE, NUMBER, TEXT, LIST, OBJECT };

/* A value of JSON. Its members or elements are a list that begins with `first`. */
typedef struct Value {
    enum Kind kind;
    long long number;
    char *text;
    char *key;
    struct Value *first, *next;
} Value;

static const Value NOTHING = {MISSING, 0, NULL, NULL, NULL, NULL};

static void give_up(const char *why)
{
    fprintf(stderr, "replayer: %s\n", why);
    exit(2);
}

static void *allocate(size_t size)
{
    void *memory = calloc(1, size + 1);
    if (memory == NULL) {
        give_up("no memory");
    }
    return memory;
}

/* Reading. Takes the JSON that the driver writes and ends at anything else. */

static const char *at;

static void skip_blanks(void)
{
    at += strspn(at, " \t\r\n");
}

static int next_is(char wanted)
{
    skip_blanks();
    if (*at != wanted) {
        return 0;
    }
    at++;
    return 1;
}

static void expect(char wanted)
{
    if (!next_is(wanted)) {
        give_up("not the JSON that was expected");
    }
}

static unsigned long read_hex(const char *from, int digits)
{
    char text[5] = "";
    memcpy(text, from, (size_t)digits);
    if (strspn(text, "0123456789abcdefABCDEF") != (size_t)digits) {
        give_up("not hexadecimal");
    }
    return strtoul(text, NULL, 16);
}

static char *put_utf8(char *to, unsigned long c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned FIRST[] = {0, 0xc0, 0xe0, 0xf0};
    *to++ = (char)(FIRST[more] | (c >> (6 * more)));
    while (more-- > 0) {
        *to++ = (char)(0x80 | ((c >> (6 * more)) & 0x3f));
    }
    return to;
}

static unsigned long read_escape(void)
{
    static const char NAMES[] = "\"\\/bfnrt", VALUES[] = "\"\\/\b\f\n\r\t";
    char name = *at++;
    const char *known = name == '\0' ? NULL : strchr(NAMES, name);
    if (known != NULL) {
        return (unsigned char)VALUES[known - NAMES];
    }
    unsigned long c = read_hex(at, 4);
    at += 4;
    if (c >= 0xd800 && c < 0xdc00 && at[0] == '\\' && at[1] == 'u') {
        c = 0x10000 + ((c - 0xd800) << 10) + (read_hex(at + 2, 4) - 0xdc00);
        at += 6;
    }
    return c;
}

static char *read_text(void)
{
    expect('"');
    char *text = (char *)allocate(strlen(at)); /* an escape is longer than what it stands for */
    char *to = text;
    while (*at != '"') {
        if (*at == '\0') {
            give_up("a text without an end");
        }
        if (*at == '\\') {
            at++;
            to = put_utf8(to, read_escape());
        } else {
            *to++ = *at++;
        }
    }
    at++;
    return (char *)realloc(text, (size_t)(to - text) + 1);
}

static Value *read_value(void);

static void read_members(Value *into, char end)
{
    Value **last = &into->first;
    if (next_is(end)) {
        return;
    }
    do {
        char *key = NULL;
        if (into->kind == OBJECT) {
            skip_blanks();
            key = read_text();
            expect(':');
        }
        *last = read_value();
        (*last)->key = key;
        last = &(*last)->next;
    } while (next_is(','));
    expect(end);
}

static Value *read_value(void)
{
    Value *value = (Value *)allocate(sizeof *value);
    skip_blanks();
    if (*at == '"') {
        value->kind = TEXT;
        value->text = read_text();
    } else if (next_is('{')) {
        value->kind = OBJECT;
        read_members(value, '}');
    } else if (next_is('[')) {
        value->kind = LIST;
        read_members(value, ']');
    } else if (strncmp(at, "null", 4) == 0) {
        value->kind = NULL_VALUE;
        at += 4;
    } else {
        char *end;
        value->kind = NUMBER;
        value->number = strtoll(at, &end, 10);
        if (end == at) {
            give_up("a value that is neither null nor number, text, list or object");
        }
        at = end;
    }
    return value;
}

static void discard(Value *value)
{
    while (value != NULL) {
        Value *next = value->next;
        discard(value->first);
        free(value->text);
        free(value->key);
        free(value);
        value = next;
    }
}

static const Value *member(const Value *of, const char *key)
{
    for (const Value *one = of->first; one != NULL; one = one->next) {
        if (strcmp(one->key, key) == 0) {
            return one;
        }
    }
    return &NOTHING;
}

/* A text argument: NULL, the text, or the bytes of {"hex": …}, which replace it. */
static const char *text_argument(const Value *call, const char *key)
{
    const Value *value = member(call, key);
    const Value *hex = value->kind == OBJECT ? member(value, "hex") : &NOTHING;
    if (hex->kind == TEXT) {
        size_t length = strlen(hex->text) / 2;
        for (size_t index = 0; index < length; index++) {
            hex->text[index] = (char)read_hex(hex->text + 2 * index, 2);
        }
        hex->text[length] = '\0';
        return hex->text;
    }
    return value->text;
}

static long long number_argument(const Value *call, const char *key, long long otherwise)
{
    const Value *value = member(call, key);
    return value->kind == NUMBER ? value->number : otherwise;
}

/* Writing. */

static void write_text(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            printf("\\%c", *text);
        } else if ((unsigned char)*text < 0x20) {
            printf("\\u%04x", (unsigned)*text);
        } else {
            putchar(*text);
        }
    }
    putchar('"');
}

/* What a function wrote into the buffer, or the negative status that it returned instead. */
static void write_output(int32_t returned, const char *buffer, uint32_t capacity)
{
    if (returned < 0) {
        printf("%ld", (long)returned);
    } else if (capacity > 0 && memchr(buffer, '\0', capacity) == NULL) {
        write_text("unterminated");
    } else {
        write_text(capacity > 0 ? buffer : "");
    }
}

static void write_call(PactTelemetry *client, const Value *call)
{
    const char *name = member(call, "call")->text;
    uint32_t capacity = (uint32_t)number_argument(call, "capacity", 65536);
    uint32_t timeout = (uint32_t)number_argument(call, "timeout_ms", 0);
    int64_t value = number_argument(call, "value", 0);
    if (name == NULL) {
        give_up("a call without a name");
    }
    /* Exactly as large as the capacity, so that tools see writes beyond it; never NULL. */
    char *out = (char *)malloc(capacity > 0 ? capacity : 1);
    if (out == NULL) {
        give_up("no memory");
    }
    if (strcmp(name, "track") == 0) {
        printf("%ld",
               (long)pact_telemetry_track(client, text_argument(call, "event"), text_argument(call, "category"),
                                          text_argument(call, "action"), value, text_argument(call, "plugin_name"),
                                          text_argument(call, "plugin_version")));
    } else if (strcmp(name, "preview") == 0) {
        int32_t returned = pact_telemetry_preview(
            client, text_argument(call, "event"), text_argument(call, "category"), text_argument(call, "action"), value,
            text_argument(call, "plugin_name"), text_argument(call, "plugin_version"), out, capacity);
        write_output(returned, out, capacity);
    } else if (strcmp(name, "explain") == 0) {
        write_output(pact_telemetry_explain(client, out, capacity), out, capacity);
    } else if (strcmp(name, "stats") == 0) {
        write_output(pact_telemetry_stats(client, out, capacity), out, capacity);
    } else if (strcmp(name, "set_enabled") == 0) {
        printf("%ld", (long)pact_telemetry_set_enabled(client, (int32_t)number_argument(call, "enabled", 0)));
    } else if (strcmp(name, "is_enabled") == 0) {
        printf("%ld", (long)pact_telemetry_is_enabled(client));
    } else if (strcmp(name, "persist") == 0) {
        printf("%ld", (long)pact_telemetry_persist(client, timeout));
    } else if (strcmp(name, "flush") == 0) {
        printf("%ld", (long)pact_telemetry_flush(client, timeout));
    } else if (strcmp(name, "close") == 0) {
        printf("%ld", (long)pact_telemetry_close(client, timeout));
    } else if (strcmp(name, "status_name") == 0) {
        write_text(pact_telemetry_status_name((int32_t)number_argument(call, "status", 0)));
    } else if (strcmp(name, "version") == 0) {
        write_text(pact_telemetry_version());
    } else if (strcmp(name, "abi_version") == 0) {
        printf("%lu", (unsigned long)pact_telemetry_abi_version());
    } else if (strcmp(name, "setenv") == 0) {
        const char *variable = text_argument(call, "name"), *text = text_argument(call, "value");
        printf("%d", text == NULL ? unsetenv(variable) : setenv(variable, text, 1));
    } else {
        write_text("unsupported");
    }
    free(out);
}

static void answer(const Value *line)
{
    char error[512];
    PactTelemetry *client = pact_telemetry_new(text_argument(line, "config"), error, sizeof error);
    printf("{\"name\":");
    write_text(member(line, "name")->text);
    printf(",\"new\":");
    if (client == NULL) {
        write_output(0, error, sizeof error);
    } else {
        printf("null");
    }
    printf(",\"results\":[");
    for (const Value *call = member(line, "calls")->first; call != NULL; call = call->next) {
        write_call(client, call);
        printf("%s", call->next == NULL ? "" : ",");
    }
    printf("]}\n");
    fflush(stdout);
    pact_telemetry_free(client);
}

/* The next line of standard input, or NULL at its end. */
static char *read_line(void)
{
    size_t size = 1 << 16, length = 0;
    char *line = (char *)allocate(size);
    while (fgets(line + length, (int)(size - length), stdin) != NULL) {
        length += strlen(line + length);
        if (length > 0 && line[length - 1] == '\n') {
            return line;
        }
        line = (char *)realloc(line, size *= 2);
        if (line == NULL) {
            give_up("no memory");
        }
    }
    free(line);
    return NULL;
}

int main(void)
{
    char *line;
    while ((line = read_line()) != NULL) {
        at = line;
        Value *value = read_value();
        answer(value);
        discard(value);
        free(line);
    }
    return 0;
}

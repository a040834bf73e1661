/* Idle connections: which one is used next, for whom, and how long they are kept, on a virtual
 * clock. */
#include "io/http1_pool.h"
#include "check.h"
#include "virtual.h"
#include <stdlib.h>
#include <string.h>

static struct virtual_clock clock_;
static struct aggr_loop loop;
static struct aggr_http1_pool pool;
static struct aggr_policy policies[2] = {{.id = 1}, {.id = 2}};
static char closed[64]; /* names of the streams that were closed, in order */

struct named {
    struct aggr_stream stream;
    char name;
    bool loud;
};

static bool quiet(struct aggr_stream *stream)
{
    return !((struct named *)stream)->loud;
}

static void close_stream(struct aggr_stream *stream)
{
    struct named *self = (struct named *)stream;
    closed[strlen(closed)] = self->name;
    free(self);
}

static const struct aggr_stream_ops stream_ops = {.quiet = quiet, .close = close_stream};

static void set_up(unsigned max)
{
    clock_ = virtual_clock_at(AGGR_NS_PER_S);
    memset(closed, 0, sizeof closed);
    CHECK(aggr_loop_init(&loop, &clock_.clock) == AGGR_OK);
    aggr_loop_now(&loop);
    aggr_http1_pool_init(&pool, &loop, max);
}

static void tear_down(void)
{
    aggr_http1_pool_deinit(&pool);
    CHECK(loop.timers.len == 0);
    CHECK(aggr_loop_deinit(&loop) == 0);
}

static struct aggr_exchange_request request_to(struct aggr_url *url, const char *origin, int policy)
{
    url->origin = (char *)origin;
    return (struct aggr_exchange_request){.url = url, .policy = &policies[policy]};
}

static struct aggr_http1_connection *add(char name, const char *origin, int policy)
{
    struct aggr_url url = {0};
    struct aggr_exchange_request request = request_to(&url, origin, policy);
    struct aggr_http1_connection *connection = aggr_http1_pool_add(&pool, &request);
    struct named *stream = calloc(1, sizeof *stream);
    stream->stream.ops = &stream_ops;
    stream->name = name;
    connection->stream = &stream->stream;
    return connection;
}

static struct named *stream_of(struct aggr_http1_connection *connection)
{
    return (struct named *)connection->stream;
}

/* Adds one that is idle from now on, with the server's hint. */
static struct aggr_http1_connection *add_idle(char name, const char *origin, unsigned keep_s)
{
    struct aggr_http1_connection *connection = add(name, origin, 0);
    connection->keep_s = keep_s;
    aggr_http1_pool_keep(connection);
    return connection;
}

/* The name of the connection that is used next; '-' = none. It is in use then. */
static struct aggr_http1_connection *taken;
static char take(const char *origin, int policy, bool certain)
{
    struct aggr_url url = {0};
    struct aggr_exchange_request request = request_to(&url, origin, policy);
    taken = aggr_http1_pool_take(&pool, &request, certain);
    return taken ? stream_of(taken)->name : '-';
}

static void pass_ms(uint64_t ms)
{
    clock_.now_ns += ms * AGGR_NS_PER_MS;
    aggr_loop_turn(&loop, false);
}

static void the_last_used_goes_first(void)
{
    set_up(0);
    add_idle('a', "http://a", 0);
    add_idle('b', "http://a", 0);
    CHECK(take("http://a", 0, false) == 'b');
    struct aggr_http1_connection *b = taken;
    CHECK(take("http://a", 0, false) == 'a');
    struct aggr_http1_connection *a = taken;
    CHECK(take("http://a", 0, false) == '-');
    aggr_http1_pool_keep(b);
    aggr_http1_pool_keep(a);
    CHECK(take("http://a", 0, false) == 'a');
    aggr_http1_pool_drop(taken);
    CHECK_STR(closed, "a");
    tear_down();
    CHECK_STR(closed, "ab");
}

static void it_is_for_its_origin_and_policy_alone(void)
{
    set_up(0);
    add_idle('a', "http://a", 0);
    CHECK(take("http://b", 0, false) == '-');
    CHECK(take("http://a", 1, false) == '-');
    CHECK(take("http://a", 0, false) == 'a');
    aggr_http1_pool_keep(taken);
    tear_down();
}

/* Nobody waits for that: the timer is none that something is pending for. */
static void it_is_closed_after_a_minute(void)
{
    set_up(0);
    add_idle('a', "http://a", 0);
    CHECK(!aggr_loop_pending(&loop));
    pass_ms(30000);
    add_idle('b', "http://a", 0);
    pass_ms(29999);
    CHECK_STR(closed, "");
    pass_ms(1);
    CHECK_STR(closed, "a");
    aggr_loop_turn(&loop, true); /* the clock jumps to the next */
    CHECK_STR(closed, "ab");
    CHECK(clock_.now_ns == 91 * AGGR_NS_PER_S);
    CHECK(pool.open == 0);
    tear_down();
}

static void one_in_use_is_not_closed(void)
{
    set_up(0);
    add_idle('a', "http://a", 0);
    CHECK(take("http://a", 0, false) == 'a');
    pass_ms(100000);
    aggr_http1_pool_keep(taken);
    pass_ms(59999);
    CHECK_STR(closed, "");
    pass_ms(1);
    CHECK_STR(closed, "a");
    tear_down();
}

/* A second before the server would, or half a second where that is all there is. */
static void a_server_may_ask_for_less_than_a_minute(void)
{
    static const struct {
        unsigned keep_s, idle_ms;
    } hints[] = {{1, 500}, {2, 1000}, {5, 4000}, {59, 58000}, {60, 60000}, {4000, 60000}};
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        set_up(0);
        add_idle('z', "http://a", 0); /* for longer */
        add_idle('a', "http://a", hints[i].keep_s);
        pass_ms(hints[i].idle_ms - 1);
        CHECK_STR(closed, "");
        pass_ms(1);
        CHECK(strchr(closed, 'a'));
        tear_down();
    }
}

/* The timer may be late: no such connection is used all the same. */
static void one_that_is_due_is_not_taken(void)
{
    set_up(0);
    add_idle('a', "http://a", 5);
    clock_.now_ns += 4 * AGGR_NS_PER_S;
    aggr_loop_now(&loop);
    CHECK(take("http://a", 0, false) == '-');
    CHECK_STR(closed, "a");
    tear_down();
}

static void idle_ones_make_room(void)
{
    set_up(3);
    struct aggr_http1_connection *busy = add('a', "http://a", 0);
    add_idle('b', "http://a", 0);
    add_idle('c', "http://c", 0);
    add_idle('d', "http://d", 0);
    CHECK_STR(closed, "b");
    CHECK(pool.open == 3);
    struct aggr_http1_connection *more[2] = {add('e', "http://a", 0), add('f', "http://a", 0)};
    CHECK_STR(closed, "bcd");
    struct aggr_http1_connection *over =
        add('g', "http://a", 0); /* all in use: permits count those */
    CHECK(pool.open == 4);
    aggr_http1_pool_drop(busy);
    aggr_http1_pool_drop(more[0]);
    aggr_http1_pool_drop(more[1]);
    aggr_http1_pool_drop(over);
    tear_down();
}

/* One is looked at before its use, unless it has been idle since a moment ago. */
static void what_the_server_has_closed_is_not_taken(void)
{
    set_up(0);
    stream_of(add_idle('a', "http://a", 0))->loud = true;
    pass_ms(19);
    CHECK(take("http://a", 0, false) == 'a');
    aggr_http1_pool_keep(taken);
    pass_ms(20);
    CHECK(take("http://a", 0, false) == '-');
    CHECK_STR(closed, "a");
    add_idle('b', "http://a", 0);
    stream_of(add_idle('c', "http://a", 0))->loud = true;
    pass_ms(1);
    CHECK(take("http://a", 0, true) == 'b');
    CHECK_STR(closed, "ac");
    aggr_http1_pool_keep(taken);
    tear_down();
}

/* What must not be sent twice takes none that may be closed in this very moment. */
static void the_certain_take_what_was_kept_before(void)
{
    set_up(0);
    struct aggr_http1_connection *a = add_idle('a', "http://a", 0);
    CHECK(take("http://a", 0, true) == '-');
    pass_ms(1);
    CHECK(take("http://a", 0, true) == 'a');
    aggr_http1_pool_keep(a); /* for the second time */
    CHECK(take("http://a", 0, true) == 'a');
    aggr_http1_pool_drop(a);
    tear_down();
}

int main(void)
{
    the_last_used_goes_first();
    it_is_for_its_origin_and_policy_alone();
    it_is_closed_after_a_minute();
    one_in_use_is_not_closed();
    a_server_may_ask_for_less_than_a_minute();
    one_that_is_due_is_not_taken();
    idle_ones_make_room();
    what_the_server_has_closed_is_not_taken();
    the_certain_take_what_was_kept_before();
    return check_report();
}

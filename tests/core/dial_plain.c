/* Connecting to a host with several addresses, in turn and side by side (RFC 8305), to sockets of
 * ours on a virtual clock. */
#include "io/dial_plain.h"
#include "check.h"
#include "descriptors.h"
#include "io/addresses.h"
#include "io/loop.h"
#include "virtual.h"
#include <arpa/inet.h>
#include <sched.h>
#include <unistd.h>

static struct virtual_clock clock_;
static struct aggr_loop loop;
static struct aggr_dialer *dialer;
static struct aggr_stream *stream;
static size_t before; /* descriptors that were open */
static int opened, failed;

static void on_open(void *owner)
{
    (void)owner;
    opened++;
}

static void on_failed(void *owner, const struct aggr_failure *failure)
{
    (void)owner;
    CHECK(failure->code == AGGR_ERR_CONNECT);
    failed++;
}

static void on_ready(void *owner, bool readable, bool writable)
{
    (void)owner, (void)readable, (void)writable;
}

static const struct aggr_stream_events events = {on_open, on_failed, on_ready};

/* A socket on 127.0.0.`last`; on another one's port, or on any (0), which is then told. */
static int bind_to(int last, int *port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + (unsigned)last),
                                  .sin_port = htons((uint16_t)*port)};
    socklen_t len = sizeof address;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    CHECK(bind(fd, (struct sockaddr *)&address, len) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    *port = ntohs(address.sin_port);
    return fd;
}

/* Its backlog of one is filled by `fillers`: every further SYN is dropped. */
static void make_stuck(int listener, int last, int port, int fillers[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + (unsigned)last),
                                  .sin_port = htons((uint16_t)port)};
    CHECK(listen(listener, 0) == 0);
    for (int i = 0; i < 2; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(fillers[i], (struct sockaddr *)&address, sizeof address);
    }
}

static void begin(const char *addresses, int port)
{
    static struct aggr_route route;
    static struct aggr_answer answer;
    clock_ = virtual_clock_at(AGGR_NS_PER_S);
    CHECK(aggr_loop_init(&loop, &clock_.clock) == AGGR_OK);
    dialer = aggr_dial_plain_new(&loop);
    opened = failed = 0;
    route = (struct aggr_route){.host = "api.test", .port = port};
    answer = (struct aggr_answer){.addresses = (char *)addresses};
    struct aggr_dial dial = {.route = &route, .answer = &answer};
    aggr_loop_turn(&loop, false);
    before = count_descriptors();
    stream = dialer->ops->dial(dialer, &dial, &events, NULL);
}

static void end(void)
{
    stream->ops->close(stream);
    aggr_loop_turn(&loop, false);
    CHECK(count_descriptors() == before);
    dialer->ops->free(dialer);
    CHECK(loop.timers.len == 0);
    CHECK(aggr_loop_deinit(&loop) == 0);
}

static void pass_ms(uint64_t ms)
{
    clock_.now_ns += ms * AGGR_NS_PER_MS;
    aggr_loop_turn(&loop, false);
}

/* Until the kernel has told; no time passes on our clock. */
static void settle(void)
{
    for (int i = 0; i < 1000000 && opened + failed == 0; i++) {
        aggr_loop_turn(&loop, false);
        sched_yield();
    }
}

static void the_next_address_is_tried_after_250_ms(void)
{
    int port = 0, fillers[2];
    int stuck = bind_to(1, &port), good = bind_to(2, &port);
    make_stuck(stuck, 1, port, fillers);
    CHECK(listen(good, 8) == 0);
    begin("127.0.0.1,127.0.0.2", port);
    pass_ms(249);
    CHECK(loop.ledger.made[AGGR_LEDGER_SOCKETS] == 1 && opened == 0);
    pass_ms(1);
    CHECK(loop.ledger.made[AGGR_LEDGER_SOCKETS] == 2);
    settle();
    CHECK(opened == 1 && failed == 0);
    CHECK(count_descriptors() == before + 1); /* the other has been given up */
    int accepted = accept(good, NULL, NULL);
    CHECK(accepted >= 0);
    close(accepted);
    end();
    close(stuck), close(good), close(fillers[0]), close(fillers[1]);
}

static void the_first_may_still_win(void)
{
    int port = 0, fillers[2];
    int good = bind_to(1, &port), stuck = bind_to(2, &port);
    make_stuck(stuck, 2, port, fillers);
    CHECK(listen(good, 8) == 0);
    begin("127.0.0.1,127.0.0.2", port);
    clock_.now_ns += 250 * AGGR_NS_PER_MS; /* seen together with the first one's success */
    settle();
    CHECK(opened == 1 && failed == 0 && count_descriptors() == before + 1);
    pass_ms(1000);
    CHECK(opened == 1 && count_descriptors() == before + 1);
    end();
    close(stuck), close(good), close(fillers[0]), close(fillers[1]);
}

static void a_refused_one_is_followed_at_once(void)
{
    int port = 0;
    int refused = bind_to(1, &port), good = bind_to(2, &port);
    CHECK(listen(good, 8) == 0);
    begin("127.0.0.1,127.0.0.2", port);
    settle();
    CHECK(opened == 1 && failed == 0);
    end();
    close(refused), close(good);
}

static void it_fails_once_when_all_have(void)
{
    int port = 0;
    int refused = bind_to(1, &port), another = bind_to(2, &port);
    begin("127.0.0.1,127.0.0.2", port);
    settle();
    pass_ms(1000);
    CHECK(opened == 0 && failed == 1);
    end();
    close(refused), close(another);
}

static void closing_ends_all_attempts(void)
{
    int port = 0, fillers[2], more[2];
    int stuck = bind_to(1, &port), too = bind_to(2, &port);
    make_stuck(stuck, 1, port, fillers);
    make_stuck(too, 2, port, more);
    begin("127.0.0.1,127.0.0.2", port);
    pass_ms(250);
    CHECK(count_descriptors() == before + 2);
    end();
    CHECK(opened == 0 && failed == 0);
    close(stuck), close(too), close(fillers[0]), close(fillers[1]), close(more[0]), close(more[1]);
}

static void families_take_turns_in_the_order_of_the_first(void)
{
    static struct aggr_answer answer = {.addresses = "::1,::2,::3,127.0.0.1,127.0.0.2"};
    struct aggr_route route = {.host = "api.test", .port = 80};
    union aggr_address found[AGGR_ADDRESSES_MAX];
    static const int families[] = {AF_INET6, AF_INET, AF_INET6, AF_INET, AF_INET6};
    CHECK(aggr_addresses(found, &route, &answer) == 5);
    for (int i = 0; i < 5; i++)
        CHECK(found[i].any.sa_family == families[i]);
    CHECK(found[0].v6.sin6_addr.s6_addr[15] == 1 && found[2].v6.sin6_addr.s6_addr[15] == 2);
    CHECK(ntohl(found[1].v4.sin_addr.s_addr) == INADDR_LOOPBACK);
}

int main(void)
{
    the_next_address_is_tried_after_250_ms();
    the_first_may_still_win();
    a_refused_one_is_followed_at_once();
    it_fails_once_when_all_have();
    closing_ends_all_attempts();
    families_take_turns_in_the_order_of_the_first();
    return check_report();
}

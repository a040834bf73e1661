#include "task/place.h"
#include "task/report.h"
#include <string.h>

/* Appends to `out`, of `cap` bytes: snprintf may allocate. */
static void append(char *out, size_t cap, const char *text)
{
    size_t len = strlen(out);
    for (; *text && len + 1 < cap; text++)
        out[len++] = *text;
    out[len] = 0;
}

static void append_number(char *out, size_t cap, int number)
{
    char digits[16];
    size_t at = sizeof digits - 1;
    digits[at] = 0;
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0 && at > 0);
    append(out, cap, digits + at);
}

/* Who looks, and with what. */
struct view {
    const struct aggr_names *names;
    const struct aggr_vmstate *vm; /* NULL: in a hook, where values may be pushed */
};

/* The global name of the function at this level, or NULL. */
static const char *global_name(const struct view *view, lua_State *co, lua_Debug *ar)
{
    if (view->vm)
        return aggr_names_of(view->names, aggr_vmstate_function(view->vm, co, ar));
    lua_getinfo(co, "f", ar);
    const char *name = aggr_names_of(view->names, lua_topointer(co, -1));
    lua_pop(co, 1);
    return name;
}

/* What only leads to the function that takes the time. */
static bool is_transparent(const char *name)
{
    static const char *const transparent[] = {"pcall", "xpcall", "coroutine.resume", "aggr.try"};
    for (size_t i = 0; i < sizeof transparent / sizeof *transparent; i++)
        if (strcmp(name, transparent[i]) == 0)
            return true;
    return false;
}

/* What the script's line at `level` has called: the outermost of the functions on the way inwards
 * that scripts know by a name; or what the line itself calls it. */
static void name_callee(struct aggr_place *place, const struct view *view, lua_State *co, int level)
{
    lua_Debug ar;
    for (int inner = level - 1; inner >= 0; inner--) {
        if (!lua_getstack(co, inner, &ar))
            return;
        const char *name = global_name(view, co, &ar);
        if (name && !is_transparent(name)) {
            append(place->called, sizeof place->called, name);
            return;
        }
    }
    if (lua_getstack(co, level - 1, &ar) && lua_getinfo(co, "n", &ar) && ar.name)
        append(place->called, sizeof place->called, *ar.name == '(' ? "an iterator" : ar.name);
}

/* By the name that the script has called it by. */
static void name_function(struct aggr_place *place, lua_State *co, lua_Debug *ar)
{
    lua_Debug caller;
    bool from_script = lua_getstack(co, 1, &caller) && lua_getinfo(co, "S", &caller) &&
                       !aggr_report_is_library(&caller);
    lua_getinfo(co, "n", ar);
    if (from_script && ar->name) {
        append(place->called, sizeof place->called, ar->name);
    } else if (*ar->what != 'm') {
        append(place->called, sizeof place->called, "the function of line ");
        append_number(place->called, sizeof place->called, ar->linedefined);
    }
}

static bool is_c(lua_State *co, int level)
{
    lua_Debug ar;
    return lua_getstack(co, level, &ar) && lua_getinfo(co, "S", &ar) && *ar.what == 'C';
}

bool aggr_place_is_tail_call(lua_State *co)
{
    return is_c(co, 0) && is_c(co, 1);
}

bool aggr_place_find(struct aggr_place *place, const struct aggr_names *names,
                     const struct aggr_vmstate *vm, lua_State *co)
{
    const struct view view = {names, vm};
    lua_Debug ar;
    for (int level = 0; lua_getstack(co, level, &ar); level++) {
        if (!lua_getinfo(co, "Sl", &ar) || ar.currentline <= 0 || aggr_report_is_library(&ar))
            continue;
        bool named = *ar.source == '@' || *ar.source == '=';
        place->where[0] = place->called[0] = 0;
        append(place->where, sizeof place->where - 12, named ? ar.source + 1 : ar.short_src);
        append(place->where, sizeof place->where, ":");
        append_number(place->where, sizeof place->where, ar.currentline);
        if (level > 0)
            name_callee(place, &view, co, level);
        else
            name_function(place, co, &ar);
        return true;
    }
    *place = (struct aggr_place){0};
    if (aggr_place_is_tail_call(co))
        name_callee(place, &view, co, 1);
    return false;
}

bool aggr_place_equal(const struct aggr_place *a, const struct aggr_place *b)
{
    return strcmp(a->where, b->where) == 0 && strcmp(a->called, b->called) == 0;
}

/* modules.h -- the one list of core modules written in C. */
#pragma once
#include "vm/vm.h"

extern const struct aggr_vm_module aggr_modules[];

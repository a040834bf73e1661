/* audit_report.h -- the table of --audit on stderr, or one JSON line (--log-format json). */
#pragma once
#include "task/audit.h"

void aggr_audit_report(const struct aggr_audit *audit, bool json);

#pragma once

#include <sys/resource.h>

namespace freehold::bench {

/// User and system time of the whole process.
inline double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec)
         + 1e-6
               * static_cast<double>(used.ru_utime.tv_usec
                                     + used.ru_stime.tv_usec);
}

} // namespace freehold::bench

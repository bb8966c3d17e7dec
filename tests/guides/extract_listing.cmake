# cmake -D DOCUMENT=... -D LISTING=... [-D LANGUAGE=cpp] [-D LINES_MAX=...]
#   [-D OUTPUT=...] -P this
#
# Finds the listing that begins with "```LANGUAGE LISTING" in a Markdown
# document; fails if there is not exactly one. Then fails if it has more lines than
# LINES_MAX, and writes it to OUTPUT.
file(READ "${DOCUMENT}" text)
if(NOT LANGUAGE)
  set(LANGUAGE cpp)
endif()
set(fence "\n```${LANGUAGE} ${LISTING}\n")
string(FIND "${text}" "${fence}" begin)
string(FIND "${text}" "${fence}" last REVERSE)
if(begin EQUAL -1 OR NOT begin EQUAL last)
  message(FATAL_ERROR "${DOCUMENT}: one listing \"${LISTING}\" is expected")
endif()
string(LENGTH "${fence}" skipped)
math(EXPR begin "${begin} + ${skipped}")
string(SUBSTRING "${text}" ${begin} -1 text)
string(FIND "${text}" "\n```" end)
if(end EQUAL -1)
  message(FATAL_ERROR "${DOCUMENT}: the listing \"${LISTING}\" has no end")
endif()
string(SUBSTRING "${text}" 0 ${end} code)
string(REGEX MATCHALL "\n" newlines "${code}")
list(LENGTH newlines lines)
math(EXPR lines "${lines} + 1")
if(LINES_MAX AND lines GREATER LINES_MAX)
  message(FATAL_ERROR "${DOCUMENT}: the listing \"${LISTING}\" has ${lines} "
    "lines, at most ${LINES_MAX} are promised")
endif()
if(OUTPUT)
  file(WRITE "${OUTPUT}" "${code}\n")
endif()

# cmake -D COMPILER=... -D INCLUDE=... -D SOURCE=... -D "TEXTS=a;b" -P this
#
# The source must compile as it stands, and must not with MISTAKE defined; then
# the compiler has to print each of the texts. So a case fails when the mistake
# is accepted, when the reason is another, and when the source itself rots.
set(command "${COMPILER}" -std=c++20 -fsyntax-only -Wall -Wextra -Werror
  "-I${INCLUDE}" "${SOURCE}")

execute_process(COMMAND ${command}
  RESULT_VARIABLE status ERROR_VARIABLE printed)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "does not compile without its mistake:\n${printed}")
endif()

execute_process(COMMAND ${command} -DMISTAKE
  RESULT_VARIABLE status ERROR_VARIABLE printed)
if(status EQUAL 0)
  message(FATAL_ERROR "compiles in spite of its mistake")
endif()
foreach(text IN LISTS TEXTS)
  string(FIND "${printed}" "${text}" found)
  if(found EQUAL -1)
    message(FATAL_ERROR "the compiler does not say \"${text}\":\n${printed}")
  endif()
endforeach()

#include "node/command_line.hpp"

int main(int argument_count, char** arguments) {
  return freehold::node::run_command_line(argument_count, arguments);
}

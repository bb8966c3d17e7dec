// Prints the page that the configuration's table describes. After a change of
// the table: configuration_doc > docs/configuration.md
#include "node/configuration.hpp"

#include <cstdio>

int main() { std::fputs(freehold::node::markdown().c_str(), stdout); }

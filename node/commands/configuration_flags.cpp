#include "node/commands/configuration_flags.hpp"

#include "node/console.hpp"

#include <CLI/CLI.hpp>

namespace freehold::node::commands {

const char* const map_help =
    "Which column holds what: field=column pairs with commas between. "
    "Fields: time, property, neighborhood, price; optional: area, year";
const char* const map_default = "time=sale_date,property=property_id,"
                                "neighborhood=zipcode,price=price_usd";

void configuration_flags::add_to(CLI::App& command, bool with_data) {
  command
      .add_option("--config", file,
                  "Configuration file (YAML); docs/configuration.md lists all "
                  "options")
      ->type_name("FILE")
      ->take_last();
  if (with_data)
    command
        .add_option("--data", data,
                    "Data directory; stands above log.directory of the "
                    "configuration")
        ->type_name("DIR")
        ->take_last();
  command
      .add_option("--set", settings,
                  "Set one option, such as engine.workers=4; may be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

std::optional<loaded_configuration> configuration_flags::load() const {
  configuration_sources sources{file, process_environment(), settings};
  if (!data.empty())
    sources.settings.push_back("log.directory=" + data);
  auto loaded = load_configuration(sources);
  if (loaded)
    return *std::move(loaded);
  complain(loaded.error());
  if (file.empty() && data.empty())
    complain("no --config and no --data was given; for the demonstration's "
             "data: --data data/demo");
  return std::nullopt;
}

} // namespace freehold::node::commands

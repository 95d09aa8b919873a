// SPDX-License-Identifier: Apache-2.0
#include "tools/sluice/options.h"

#include <algorithm>
#include <cstdio>

#include <CLI/CLI.hpp>

#include "models/base/parameters.h"

namespace sluice::tool {
namespace {

constexpr const char* kFooter =
    "exit status: 0 all expectations hold, 1 a run or an expectation failed, 2 the input was wrong, 130 interrupted";

/// An unset variable of a shell script, say.
std::string refuse_empty(const std::string& text) { return text.empty() ? "is empty" : ""; }

void add_settings(CLI::App& app, Options& options) {
  app.add_option("--set", options.sets, "set one parameter, e.g. --set nic.rate=10Gbps; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option("--file", options.file, "send this file of the host instead of the scenario's")
      ->type_name("PATH")
      ->check(refuse_empty);
}

void add_running(CLI::App& app, Options& options) {
  app.add_option("scenario", options.scenario, "scenario file (see scenarios/README.md)")
      ->type_name("FILE")
      ->required()
      ->check(refuse_empty);
  add_settings(app, options);
  app.add_option("--received", options.received, "keep what the peer received, one file per strategy")
      ->type_name("DIR")
      ->check(refuse_empty);
  app.add_option("--json", options.json, "write the results as JSON; - is standard output, instead of the table")
      ->type_name("PATH|-")
      ->check(refuse_empty);
  app.add_option("--graph", options.graph, "write the observed data flow for Graphviz")
      ->type_name("FILE.dot")
      ->check(refuse_empty);
  app.add_option("--timeout", options.timeout_s, "wall time after which one run counts as failed")
      ->check(CLI::Range(1U, 1'000'000U).description(""))
      ->type_name("SECONDS")
      ->capture_default_str();
  app.add_flag("--dump-config", options.dump_config,
               "print each run with all its parameters as a scenario file, and do not run");
  app.add_flag("--strace", options.strace, "print each task's system calls with simulated time on standard error");
  app.add_flag("--quiet,-q", options.quiet, "print failures only");
}

void add_native(CLI::App& app, Options& options) {
  app.add_option("scenario", options.scenario, "scenario file (see scenarios/README.md)")
      ->type_name("FILE")
      ->required()
      ->check(refuse_empty);
  add_settings(app, options);
  app.add_option("--repetitions", options.native.repetitions, "transfers that are measured, of each strategy in turn")
      ->check(CLI::Range(1U, 1000U).description(""))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--warm-up", options.native.warm_up, "transfers before them that are not")
      ->check(CLI::Range(0U, 1000U).description(""))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--directory", options.native.directory, "where the test files lie, instead of $TMPDIR or /tmp")
      ->type_name("DIR")
      ->check(refuse_empty);
  app.add_flag("--verify", options.native.verify, "the receiver reads and hashes every byte instead of discarding it");
  app.add_option("--json", options.json, "write the results as JSON; - is standard output, instead of the table")
      ->type_name("PATH|-")
      ->check(refuse_empty);
  app.add_option("--timeout", options.timeout_s, "time after which one transfer counts as failed")
      ->check(CLI::Range(1U, 1'000'000U).description(""))
      ->type_name("SECONDS")
      ->capture_default_str();
  app.add_flag("--quiet,-q", options.quiet, "print failures only");
}

void add_crosscheck(CLI::App& app, Options& options) {
  add_native(app, options);
  app.add_option("--platform", options.platform,
                 "the simulated machine, instead of the scenario's; sluice calibrate writes one")
      ->type_name("FILE.yaml")
      ->check(refuse_empty);
  app.add_option("--plot", options.plot, "draw predicted over measured CPU time")
      ->type_name("FILE.svg")
      ->check(refuse_empty);
  app.add_flag("--counts-only", options.counts_only, "compare counts and no times, from one transfer each");
}

void add_calibrating(CLI::App& app, Options& options) {
  app.add_option("--out", options.out, "the platform file to write")
      ->type_name("FILE.yaml")
      ->required()
      ->check(refuse_empty);
  app.add_option("--folder", options.folder, "put the test file of 256 MiB here instead of beside the platform file")
      ->type_name("DIR")
      ->check(refuse_empty);
  app.add_flag("--compare", options.compare_primitives,
               "print the time of each primitive as measured and as the calibrated model has it");
  app.add_flag("--quiet,-q", options.quiet, "print nothing but errors");
}

}  // namespace

ParsedCommandLine parse_command_line(int argc, char** argv) {
  ParsedCommandLine parsed;
  Options& options = parsed.options;
  CLI::App app{"Sluice: what it costs to send a file, counted on a simulated machine", "sluice"};
  app.footer(std::string{"sluice COMMAND --help says more about a command. The main job:\n"
                         "  sluice compare scenarios/article.yaml\n"
                         "  sluice compare scenarios/article.yaml --set nic.rate=100Gbps --file README.md\n\n"} +
             kFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", "sluice " SLUICE_VERSION);

  const auto add = [&](Command command, const char* name, const char* help) {
    CLI::App* sub = app.add_subcommand(name, help);
    sub->footer(kFooter);
    sub->callback([&options, command] { options.command = command; });
    return sub;
  };
  add_running(*add(Command::Compare, "compare", "run all strategies of a scenario and print them side by side"),
              options);
  add_running(*add(Command::Run, "run", "run all strategies of a scenario and print everything about each"), options);
  add_native(*add(Command::Native, "native",
                  "run all strategies of a scenario on this host's Linux over loopback, and measure them"),
             options);
  add_crosscheck(*add(Command::Crosscheck, "crosscheck",
                      "run a scenario simulated and on this host, and hold the one against the other"),
                 options);
  CLI::App* check = add(Command::Check, "check", "read a scenario, build its machines on paper, and run nothing");
  check->add_option("scenario", options.scenario, "scenario file")->type_name("FILE")->required()->check(refuse_empty);
  add_settings(*check, options);
  CLI::App* describe = add(Command::Describe, "describe",
                           "print every parameter with value, range, help and source, of a scenario or the defaults");
  describe->add_option("scenario", options.scenario, "scenario file; without it the defaults are described")
      ->type_name("FILE");
  add_settings(*describe, options);

  add_calibrating(*add(Command::Calibrate, "calibrate",
                       "measure what this host's kernel takes for its primitives, and write a platform file"),
                  options);

  const std::vector<std::string> names{"compare", "run", "native", "calibrate", "crosscheck", "check", "describe"};
  if (argc > 1 && argv[1][0] != '-' && std::find(names.begin(), names.end(), argv[1]) == names.end()) {
    const std::string near = base::nearest_name(argv[1], names);
    std::fprintf(stderr, "sluice: there is no command '%s'%s\n", argv[1],
                 near.empty() ? " (sluice --help lists them)" : ("; did you mean '" + near + "'?").c_str());
    parsed.exit_status = kBadInput;
    return parsed;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    if (stop.get_exit_code() == 0) {
      app.exit(stop);  // help
      parsed.exit_status = kAllHolds;
    } else {
      std::fprintf(stderr, "sluice: %s (sluice --help says more)\n", stop.what());
      parsed.exit_status = kBadInput;
    }
  }
  if (options.dump_config && !(options.json + options.graph + options.received).empty()) {
    std::fputs("sluice: --dump-config runs nothing that --json, --graph or --received could hold\n", stderr);
    parsed.exit_status = kBadInput;
  }
  return parsed;
}

}  // namespace sluice::tool

// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <memory>

#include "tools/calibrate/calibrate.h"
#include "tools/sluice/command.h"
#include "tools/sluice/output_file.h"
#include "tools/sluice/streams.h"

namespace sluice::tool {
namespace {

struct CalibrateCommandOptions {
  std::string out;
  std::string folder;
  bool compares = false;
};

std::string test_folder(const CalibrateCommandOptions& options) {
  if (!options.folder.empty()) return options.folder;
  const std::string beside = std::filesystem::path{options.out}.parent_path().string();
  return beside.empty() ? "." : beside;
}

int calibrate(const CalibrateCommandOptions& options, const GlobalOptions& globals) {
  OutputFile out{options.out};
  const calibrate::Calibrated result = calibrate::run({.name = options.out,
                                                       .folder = test_folder(options),
                                                       .compares = options.compares,
                                                       .shows_progress = !globals.quiet});
  out.commit(result.platform);
  print(result.comparison);
  if (!globals.quiet) {
    for (const std::string& note : result.notes) say(note);
  }
  return kAllHolds;
}

}  // namespace

Action define_calibrate(CLI::App& app, const GlobalOptions& globals) {
  const auto options = std::make_shared<CalibrateCommandOptions>();
  add_path(app, "--out", options->out, "the platform file to write", "FILE.yaml")->required();
  add_path(app, "--folder", options->folder, "put the test file of 256 MiB here instead of beside the platform file",
           "DIR");
  app.add_flag("--compare", options->compares,
               "print the time of each primitive as measured and as the calibrated model has it");
  return [options, &globals] { return calibrate(*options, globals); };
}

}  // namespace sluice::tool

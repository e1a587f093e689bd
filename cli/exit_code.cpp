// SPDX-License-Identifier: Apache-2.0
#include "cli/exit_code.hpp"

namespace sluice::cli {
namespace {

int severity(ExitCode code) {
  switch (code) {
    case ExitCode::kOk:
      return 0;
    case ExitCode::kUsage:
      return 1;
    case ExitCode::kVersionConflict:
      return 2;
    case ExitCode::kIdConflict:
      return 3;
    case ExitCode::kLimit:
      return 4;
    case ExitCode::kConfig:
      return 5;
    case ExitCode::kOther:
      return 6;
    case ExitCode::kUnreachable:
      return 7;
  }
  return 6;
}

}  // namespace

ExitCode exit_code(core::Errc code) {
  switch (code) {
    case core::Errc::kBadRequest:
      return ExitCode::kUsage;
    case core::Errc::kVersionConflict:
      return ExitCode::kVersionConflict;
    case core::Errc::kIdConflict:
      return ExitCode::kIdConflict;
    case core::Errc::kLimit:
    case core::Errc::kTooLarge:
    case core::Errc::kBusy:
      return ExitCode::kLimit;
    case core::Errc::kUnavailable:
      return ExitCode::kUnreachable;
    default:
      return ExitCode::kOther;
  }
}

ExitCode worse(ExitCode a, ExitCode b) {
  return severity(a) >= severity(b) ? a : b;
}

}  // namespace sluice::cli

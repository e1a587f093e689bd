// SPDX-License-Identifier: Apache-2.0
#include "cli/program.hpp"

// The verbs of `sluice` that need read models' definitions and databases; `sluice` hands over to
// this program (hand_over.hpp).
int main(int argc, char** argv) {
  sluice::cli::Program program;
  sluice::cli::add_model(program);
  sluice::cli::add_stream(program);
  sluice::cli::add_hub_doctor(program);
  return program.run(argc, argv);
}

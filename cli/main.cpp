// SPDX-License-Identifier: Apache-2.0
#include "cli/program.hpp"

int main(int argc, char** argv) {
  sluice::cli::Program program;
  sluice::cli::add_append(program);
  sluice::cli::add_import(program);
  sluice::cli::add_read(program);
  sluice::cli::add_tail(program);
  sluice::cli::add_decode(program);
  sluice::cli::add_query(program);
  sluice::cli::add_model(program);
  sluice::cli::add_stream(program);
  sluice::cli::add_parked(program);
  sluice::cli::add_holds(program);
  sluice::cli::add_reactor(program);
  sluice::cli::add_provision(program);
  sluice::cli::add_status(program);
  sluice::cli::add_doctor(program);
  sluice::cli::add_audit(program);
  sluice::cli::add_bundle(program);
  sluice::cli::add_plugtest(program);
  sluice::cli::add_fsck(program);
  sluice::cli::add_salvage(program);
  sluice::cli::add_log(program);
  sluice::cli::add_clone_prepare(program);
  return program.run(argc, argv);
}

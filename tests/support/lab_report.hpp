// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace sluice::test {

// One row of the fault lab's table: what was broken, how often, and what it did to what had been
// acknowledged.
struct LabRow {
  std::string fault;
  std::uint64_t runs = 0;          // images, cuts, kills ...
  std::uint64_t acked = 0;         // events acknowledged before the fault, over all runs
  std::uint64_t lost = 0;          // of these, not there afterwards
  std::uint64_t doubled = 0;       // in effect more than once
  std::uint64_t out_of_order = 0;  // against the order of the acknowledgements
  bool reopened = true;            // every run went on without an operator
};

// Appends the row as a line of JSON to the file that SLUICE_LAB_REPORT names; else prints it.
void lab_report(const LabRow& row);

}  // namespace sluice::test

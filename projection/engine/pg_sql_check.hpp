// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"
#include "projection/database/target.hpp"
#include "projection/model/model.hpp"

namespace sluice::projection {

// Asks the server what PostgreSQL's text of an [[on]] does; it must have prepared it before.
// kBadRequest, with words: it is no INSERT, UPDATE or DELETE; it changes a table that its `touches`
// does not name, also in a WITH; it reads the engine's own tables or those of another schema, which
// are not made anew with the model; it calls a function that is declared volatile. Nothing is run.
core::Result<void> check_pg_change(const Model& model, const SqlRule& rule, Target& target);

}  // namespace sluice::projection

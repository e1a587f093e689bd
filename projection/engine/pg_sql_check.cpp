// SPDX-License-Identifier: Apache-2.0
#include "projection/engine/pg_sql_check.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "core/text.hpp"
#include "projection/database/pg_sql.hpp"
#include "projection/model/pg_lint.hpp"

namespace sluice::projection {
namespace {

namespace json = core::json;

using core::Errc;
using core::fail;
using core::Result;

std::string_view text_of(const json::object& node, const char* name) {
  const json::value* value = node.if_contains(name);
  const json::string* text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? std::string_view(*text) : std::string_view();
}

const json::array* list_of(const json::object& node, const char* name) {
  const json::value* value = node.if_contains(name);
  return value != nullptr ? value->if_array() : nullptr;
}

// Walks through a plan as EXPLAIN (VERBOSE, FORMAT JSON) tells it.
class PlanCheck {
 public:
  PlanCheck(const std::string& schema, std::vector<std::string> touches)
      : schema_(schema), touches_(std::move(touches)) {}

  // Empty: nothing against it.
  std::string why(const json::value& plans) {
    const json::array* list = plans.if_array();
    if (list == nullptr || list->empty()) return kNoChange;
    for (const json::value& one : *list) {
      const json::object* parts = one.if_object();
      const json::value* plan = parts != nullptr ? parts->if_contains("Plan") : nullptr;
      if (plan == nullptr || !plan->is_object() ||
          text_of(plan->get_object(), "Node Type") != kChange)
        return kNoChange;
      look(plan->get_object());
    }
    return why_;
  }

 private:
  static constexpr std::string_view kChange = "ModifyTable";
  static constexpr const char* kNoChange = "not an INSERT, UPDATE or DELETE that gives no rows";

  void look(const json::object& node) {
    const bool changes = text_of(node, "Node Type") == kChange;
    relation(node, changes);
    if (const json::array* targets = list_of(node, "Target Tables"))
      for (const json::value& target : *targets)
        if (target.is_object()) relation(target.get_object(), changes);
    if (const json::array* parts = list_of(node, "Plans"))
      for (const json::value& part : *parts)
        if (part.is_object()) look(part.get_object());
  }

  void relation(const json::object& node, bool changes) {
    const std::string name(text_of(node, "Relation Name"));
    if (name.empty() || !why_.empty()) return;
    const std::string schema(text_of(node, "Schema"));
    const std::string full = "'" + core::printable(schema + "." + name) + "'";
    if (schema != schema_)
      why_ = full + " is no table of this model";
    else if (name.starts_with(kInternalPrefix))
      why_ = full + " is the engine's own";
    else if (changes && std::find(touches_.begin(), touches_.end(), name) == touches_.end())
      why_ = "it changes '" + name + "', which 'touches' does not name";
  }

  const std::string& schema_;
  const std::vector<std::string> touches_;
  std::string why_;
};

// The plan of the text as it stands, whatever its parameters.
Result<std::string> plan_of(const SqlRule& rule, Target& target) {
  std::string nulls;
  for (std::size_t i = 0; i < rule.arguments.size(); ++i) nulls += i == 0 ? "(NULL" : ", NULL";
  if (!nulls.empty()) nulls += ")";
  // Takes nothing but the statements that have a plan, and no second one: it was prepared before.
  SLUICE_TRY(target.exec("PREPARE sluice_check AS " + pg_sql::numbered(rule.numbered.postgres)));
  auto plan = target.exec("SET plan_cache_mode = force_generic_plan");
  auto text =
      plan ? query_text(target, "EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE sluice_check" + nulls)
           : Result<std::string>(plan.error());
  SLUICE_TRY(target.exec("SET plan_cache_mode = force_custom_plan; DEALLOCATE sluice_check"));
  return text;
}

// The name of one that is declared volatile, in whatever schema; empty: none.
Result<std::string> volatile_function(const SqlRule& rule, Target& target) {
  const auto statement = target.prepare(
      "SELECT proname::text FROM pg_proc WHERE provolatile = 'v' AND proname = ?1 LIMIT 1");
  if (!statement) return statement.error();
  for (const std::string& name : sql::pg_functions(rule.text.postgres)) {
    const Statement::Resetting guard{**statement};
    (*statement)->bind(1, std::string_view(name));
    const auto row = (*statement)->step();
    if (!row) return row.error();
    if (*row) return name;
  }
  return std::string();
}

}  // namespace

Result<void> check_pg_change(const Model& model, const SqlRule& rule, Target& target) {
  const auto function = volatile_function(rule, target);
  if (!function) return function.error();
  if (!function->empty())
    return fail(Errc::kBadRequest, "the function '" + core::printable(*function) +
                                       "' is volatile: it may give another result each time it is"
                                       " run, or change tables. Declare one of your own as"
                                       " IMMUTABLE or STABLE if it does not");
  const auto plan = plan_of(rule, target);
  if (!plan) return plan.error();
  const auto parsed = core::parse_json(*plan);
  if (!parsed) return fail(Errc::kInternal, "PostgreSQL's plan: " + parsed.error().message);
  std::vector<std::string> touches;
  for (const std::size_t table : rule.touches) touches.push_back(model.tables()[table].name);
  std::string why = PlanCheck(target.place().schema, std::move(touches)).why(*parsed);
  if (!why.empty()) return fail(Errc::kBadRequest, std::move(why));
  return {};
}

}  // namespace sluice::projection

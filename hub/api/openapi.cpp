// SPDX-License-Identifier: Apache-2.0
#include "hub/api/openapi.hpp"

#include "core/assert.hpp"
#include "hub/api/query_params.hpp"

namespace sluice::hub {

namespace json = core::json;
using projection::QueryColumn;
using projection::Type;

namespace {

json::object value_schema(const QueryColumn& column) {
  if (!column.type) return {};
  json::object out;
  std::string_view type = "string";
  switch (*column.type) {
    case Type::kText:
      break;
    case Type::kInt:
      type = "integer";
      out["format"] = "int64";
      break;
    case Type::kReal:
      type = "number";
      break;
    case Type::kBool:
      type = "boolean";
      break;
    case Type::kTime:
      out["format"] = "date-time";
      break;
    case Type::kList:
      type = "array";
      break;
    case Type::kBytes:
      type = "object";
      out["properties"] = json::object{{"$bytes", json::object{{"type", "string"}}}};
      out["required"] = json::array{"$bytes"};
      break;
  }
  if (column.key)
    out["type"] = type;
  else
    out["type"] = json::array{json::string(type), "null"};
  return out;
}

json::object referred(std::string_view kind, std::string_view name) {
  return {{"$ref", "#/components/" + std::string(kind) + "/" + std::string(name)}};
}

}  // namespace

json::object openapi_of_table(const projection::QueryTable& table) {
  json::array parameters;
  json::object properties;
  std::string by_where;  // columns that are named like a parameter
  for (const QueryColumn& column : table.columns) {
    json::object schema = value_schema(column);
    properties[column.name] = schema;
    if (is_parameter(column.name)) {
      by_where += (by_where.empty() ? "" : ", ") + ("where=" + column.name + "=VALUE");
      continue;
    }
    if (column.type && *column.type == Type::kBytes) schema = {{"type", "string"}};
    parameters.push_back(json::object{{"name", column.name},
                                      {"in", "query"},
                                      {"description", "only rows with this value"},
                                      {"schema", std::move(schema)}});
  }
  for (const char* name : {"where", "order", "fields", "limit", "page", "count", "after", "wait",
                           "deadline", "if_none_match"})
    parameters.push_back(referred("parameters", name));
  const json::object rows{{"type", "array"},
                          {"items", json::object{{"type", "object"},
                                                 {"properties", std::move(properties)},
                                                 {"additionalProperties", false}}}};
  json::object schema{
      {"allOf", json::array{referred("schemas", "Rows"),
                            json::object{{"properties", json::object{{"rows", rows}}}}}}};
  json::object responses{
      {"200",
       json::object{{"description", "a page"},
                    {"content", json::object{{"application/json",
                                              json::object{{"schema", std::move(schema)}}}}}}},
      {"304", json::object{{"description", "not changed since If-None-Match"}}}};
  constexpr std::pair<const char*, const char*> kErrors[] = {
      {"400", "BadRequest"},  {"401", "Unauthorized"}, {"403", "Forbidden"},
      {"404", "NotFound"},    {"409", "Conflict"},     {"500", "Failed"},
      {"503", "Unavailable"}, {"504", "NotYet"},       {"507", "TooSlow"}};
  for (const auto& [status, name] : kErrors) responses[status] = referred("responses", name);
  json::object operation{{"summary", (table.view ? "View " : "Table ") + table.name},
                         {"parameters", std::move(parameters)},
                         {"responses", std::move(responses)}};
  if (!by_where.empty())
    operation["description"] = "Columns that are named like a parameter: " + by_where;
  return {{"get", std::move(operation)}};
}

void add_openapi_api(Routes& routes, const ModelShelf& models) {
  routes.report("/v1/openapi.json", [&models, routes = routes.added()](const http::Request&) {
    auto parsed = core::parse_json(openapi_text());
    SLUICE_ASSERT(parsed && parsed->is_object());  // a test reads it
    json::object document = std::move(parsed->as_object());
    document["info"].as_object()["version"] = SLUICE_VERSION;
    json::object& paths = document["paths"].as_object();
    for (const auto& version : models.serving())
      for (const projection::QueryTable& table : version->tables())
        paths["/v1/models/" + version->name() + "/" + table.name] = openapi_of_table(table);
    // What the program answers, for a test that nothing of it is missing above.
    document["x-routes"] = json::array(routes->begin(), routes->end());
    return json_response(core::to_json(document));
  });
}

}  // namespace sluice::hub

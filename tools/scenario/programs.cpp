// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/programs.h"

#include <algorithm>

namespace sluice::scenario {

bool Arguments::add(const std::string& name, const std::string& text) {
  const auto same = [&](const auto& value) { return value.first == name; };
  if (std::any_of(m_values.begin(), m_values.end(), same)) return false;
  const std::size_t index = m_values.size();
  m_values.emplace_back(name, text);
  // Descriptions speak of any copy of this object.
  const auto values_of = [](const void* at) -> const Arguments& {
    return static_cast<const Arguments&>(*static_cast<const base::Parameters*>(at));
  };
  base::ParameterDescription argument;
  argument.name = name;
  argument.kind = kArgumentKind;
  argument.allowed = "a number, true, false or a text";
  argument.help = "for the programs";
  argument.source = "the scenario's choice";
  argument.set = [index, values_of](void* at, std::string_view value) -> base::Parsed<void> {
    const_cast<Arguments&>(values_of(at)).m_values[index].second = value;
    return {};
  };
  argument.get = [index, values_of](const void* at) { return values_of(at).m_values[index].second; };
  m_descriptions = std::make_shared<base::ParameterDescriptions>(*m_descriptions);
  m_descriptions->push_back(std::move(argument));
  return true;
}

lua::Value Arguments::table() const {
  lua::Table table;
  for (const auto& [name, text] : m_values) table.emplace_back(lua::Value{name}, lua::value_of(text));
  return {std::move(table)};
}

}  // namespace sluice::scenario

// gateway/setting_readers.h: how the values of session parameters are read, by kind.
#pragma once

#include "gateway/setting_table.h"

namespace spar::gateway {

Result<std::string> read_text(const SettingDefinition& definition, std::string_view value);
Result<std::string> read_boolean(const SettingDefinition& definition, std::string_view value);
Result<std::string> read_integer(const SettingDefinition& definition, std::string_view value);
Result<std::string> read_duration(const SettingDefinition& definition, std::string_view value);
Result<std::string> read_choice(const SettingDefinition& definition, std::string_view value);
// Like read_choice, where PostgreSQL knows more choices than Spar: 0A000 for the others.
Result<std::string> read_only_choice(const SettingDefinition& definition, std::string_view value);
Result<std::string> read_encoding(const SettingDefinition& definition, std::string_view value);
Result<std::string> read_date_style(const SettingDefinition& definition, std::string_view value);
Result<std::string> read_time_zone(const SettingDefinition& definition, std::string_view value);
Result<std::string> read_position(const SettingDefinition& definition, std::string_view value);
// 55P02: nobody may change it.
Result<std::string> read_fixed(const SettingDefinition& definition, std::string_view value);

}  // namespace spar::gateway

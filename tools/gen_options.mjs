#!/usr/bin/env node
// Makes plain C++ enums and option structs, with tables that describe their fields, from
// schema/tflite.fbs. The tables let one reader, one writer and one viewer serve every operator.
//   node tools/gen_options.mjs schema/tflite.fbs OUTPUT_FOLDER
// writes OUTPUT_FOLDER/enums.h, options.h and options.cc.
import fs from 'node:fs';
import path from 'node:path';

const [source, folder] = process.argv.slice(2);
if (!source || !folder) {
  console.error('usage: node tools/gen_options.mjs schema/tflite.fbs OUTPUT_FOLDER');
  process.exit(2);
}
const text = fs.readFileSync(source, 'utf8').replace(/\/\/.*$/gm, '');

const enums = new Map();
for (const [, name, storage, body] of text.matchAll(/enum\s+(\w+)\s*:\s*(\w+)\s*\{([^}]*)\}/g)) {
  const values = [...body.matchAll(/(\w+)\s*=\s*(-?\d+)/g)].map(([, key, value]) => ({
    key,
    value: Number(value),
  }));
  enums.set(name, { storage, values });
}
const unions = new Map();
for (const [, name, body] of text.matchAll(/union\s+(\w+)\s*\{([^}]*)\}/g)) {
  unions.set(name, body.match(/\w+/g));
}
const tables = new Map();
for (const [, name, body] of text.matchAll(/table\s+(\w+)\s*\{([^}]*)\}/g)) {
  const fields = [...body.matchAll(/(\w+)\s*:\s*([\w[\]]+)(?:\s*=\s*([\w.-]+))?\s*\(([^)]*)\)/g)]
    .map(([, field, type, fallback, attributes]) => ({
      name: field,
      type,
      fallback,
      id: Number(/id:\s*(\d+)/.exec(attributes)[1]),
      deprecated: /deprecated/.test(attributes),
    }))
    .filter((field) => !field.deprecated);
  tables.set(name, fields);
}

const scalars = {
  byte: 'int8_t',
  ubyte: 'uint8_t',
  int: 'int32_t',
  uint: 'uint32_t',
  long: 'int64_t',
  ulong: 'uint64_t',
  float: 'float',
  bool: 'bool',
};
const kinds = {
  bool: 'kBool',
  byte: 'kInt8',
  ubyte: 'kUint8',
  int: 'kInt32',
  uint: 'kUint32',
  long: 'kInt64',
  float: 'kFloat32',
  string: 'kString',
  '[int]': 'kInt32List',
  '[uint]': 'kUint32List',
  '[long]': 'kInt64List',
  '[float]': 'kFloat32List',
  '[ubyte]': 'kUint8List',
  '[bool]': 'kUint8List',
};
const camel = (key) =>
  'k' +
  key
    .split('_')
    .map((part) => part[0].toUpperCase() + part.slice(1).toLowerCase())
    .join('');
const enumPrefix = (name, key) => {
  // STABLEHLO_COMPARISON_TYPE_FLOAT in StablehloComparisonType says its type twice.
  const prefix = name.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase() + '_';
  return key.startsWith(prefix) ? key.slice(prefix.length) : key;
};
const head = (what) =>
  `// ${what}\n// Generated from schema/tflite.fbs by tools/gen_options.mjs: change those, not this file.\n`;

function memberType(type) {
  if (type.startsWith('[')) {
    const element = type.slice(1, -1);
    if (element === 'bool') return 'std::vector<uint8_t>';
    return `std::vector<${enums.has(element) ? scalars[enums.get(element).storage] : scalars[element]}>`;
  }
  if (type === 'string') return 'std::string';
  return enums.has(type) ? type : scalars[type];
}
function memberDefault({ type, fallback }) {
  if (type.startsWith('[') || type === 'string') return '';
  if (enums.has(type)) {
    const key = fallback ?? enums.get(type).values.find((v) => v.value === 0).key;
    return ` = ${type}::${camel(enumPrefix(type, key))}`;
  }
  return ` = ${fallback ?? (type === 'bool' ? 'false' : '0')}`;
}
function fieldKind(type) {
  if (enums.has(type)) return kinds[enums.get(type).storage];
  if (type.startsWith('[') && enums.has(type.slice(1, -1))) {
    return kinds[`[${enums.get(type.slice(1, -1)).storage}]`];
  }
  return kinds[type];
}

const enumLines = [
  head('The enumerations of the TFLite format.'),
  '#pragma once\n',
  '#include <cstdint>\n',
  'namespace zeolite {\n',
];
for (const [name, { storage, values }] of enums) {
  enumLines.push(`enum class ${name} : ${scalars[storage]} {`);
  for (const { key, value } of values) {
    enumLines.push(`  ${camel(enumPrefix(name, key))} = ${value},`);
  }
  enumLines.push('};\n');
}
for (const [name, members] of unions) {
  if (!/^BuiltinOptions/.test(name)) continue;
  enumLines.push(`inline constexpr int k${name}Count = ${members.length + 1};`);
}
const operators = enums.get('BuiltinOperator').values;
enumLines.push(
  `inline constexpr int kBuiltinOperatorCount = ${Math.max(...operators.map((o) => o.value)) + 1};`,
);
enumLines.push('\n}  // namespace zeolite');

const optionUnions = ['BuiltinOptions', 'BuiltinOptions2'];
const optionNames = optionUnions.flatMap((union) =>
  unions.get(union).map((name, i) => ({ name, union, value: i + 1 })),
);
const structLines = [
  head('The option tables of the TFLite format as plain structs.'),
  '#pragma once\n',
  '#include <cstdint>',
  '#include <string>',
  '#include <vector>\n',
  '#include "core/graph/option_fields.h"',
  '#include "schema/enums.h"\n',
  'namespace zeolite {\n',
];
for (const { name } of optionNames) {
  structLines.push(`struct ${name} {`, '  static const OptionsInfo kInfo;');
  for (const field of tables.get(name)) {
    structLines.push(`  ${memberType(field.type)} ${field.name}${memberDefault(field)};`);
  }
  structLines.push('};\n');
}
structLines.push('}  // namespace zeolite');

const codeLines = [
  head("Tables that describe the option structs and name the enumerations' values."),
  '#include "schema/options.h"\n',
  '#include <cstddef>\n',
  '#pragma GCC diagnostic ignored "-Winvalid-offsetof"\n',
  'namespace zeolite {',
  'namespace {\n',
];
const shownEnums = new Set([
  'TensorType',
  'BuiltinOperator',
  ...optionNames
    .flatMap(({ name }) => tables.get(name).map((f) => f.type))
    .filter((t) => enums.has(t)),
]);
for (const name of shownEnums) {
  codeLines.push(`constexpr EnumName k${name}Names[] = {`);
  for (const { key, value } of enums.get(name).values) {
    codeLines.push(`    {${value}, "${enumPrefix(name, key)}"},`);
  }
  codeLines.push('};');
}
for (const { name } of optionNames) {
  const fields = tables.get(name);
  if (fields.length === 0) continue;
  codeLines.push(`constexpr OptionField k${name}Fields[] = {`);
  for (const { name: field, type, id } of fields) {
    codeLines.push(
      `    {"${field}", ${id}, FieldKind::${fieldKind(type)}, offsetof(${name}, ${field}), ${enums.has(type) ? `k${type}Names` : '{}'}},`,
    );
  }
  codeLines.push('};');
}
codeLines.push('\n}  // namespace\n');
for (const { name, union, value } of optionNames) {
  const fields = tables.get(name).length ? `k${name}Fields` : '{}';
  codeLines.push(
    `constinit const OptionsInfo ${name}::kInfo = make_options_info<${name}>("${name}", ${union === 'BuiltinOptions' ? 1 : 2}, ${value}, ${fields});`,
  );
}
codeLines.push('\nnamespace {\n');
for (const union of optionUnions) {
  codeLines.push(`const OptionsInfo* const k${union}[] = {`, '    nullptr,');
  for (const name of unions.get(union)) codeLines.push(`    &${name}::kInfo,`);
  codeLines.push('};\n');
}
codeLines.push('}  // namespace\n',
  'std::span<const OptionsInfo* const> builtin_options_table(int union_index) {',
  '  if (union_index == 1) return kBuiltinOptions;', '  return kBuiltinOptions2;', '}\n',
  'std::span<const EnumName> builtin_operator_names() { return kBuiltinOperatorNames; }',
  'std::span<const EnumName> tensor_type_names() { return kTensorTypeNames; }\n',
  '}  // namespace zeolite');

fs.mkdirSync(folder, { recursive: true });
for (const [file, lines] of [
  ['enums.h', enumLines],
  ['options.h', structLines],
  ['options.cc', codeLines],
]) {
  const target = path.join(folder, file),
    content = lines.join('\n') + '\n';
  // An unchanged file keeps its time, so that nothing is compiled again.
  if (!fs.existsSync(target) || fs.readFileSync(target, 'utf8') !== content) {
    fs.writeFileSync(target, content);
  }
}

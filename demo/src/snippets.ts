// Code that runs the file as it is: to paste into a program.
import type { DType, Inspection, TensorInfo } from 'zeolite';

export const kLanguages = [
  { id: 'javascript', label: 'JavaScript' },
  { id: 'python', label: 'Python' },
  { id: 'kotlin', label: 'Android (Kotlin)' },
] as const;
export type Language = (typeof kLanguages)[number]['id'];

const kArrays: Partial<Record<DType, string>> = {
  float32: 'Float32Array',
  float64: 'Float64Array',
  int8: 'Int8Array',
  uint8: 'Uint8Array',
  bool: 'Uint8Array',
  int16: 'Int16Array',
  uint16: 'Uint16Array',
  float16: 'Uint16Array',
  int32: 'Int32Array',
  uint32: 'Uint32Array',
  int64: 'BigInt64Array',
  uint64: 'BigUint64Array',
};

const kBytes: Partial<Record<DType, number>> = {
  float64: 8,
  int64: 8,
  uint64: 8,
  int16: 2,
  uint16: 2,
  float16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/**
 * The model's default way to be called: its first signature, else its inputs and outputs by tensor.
 */
function callOf(target: Inspection): {
  key: string | undefined;
  inputs: TensorInfo[];
  outputs: TensorInfo[];
} {
  const [entry] = Object.entries(target.signatures);
  if (entry) return { key: entry[0], ...entry[1] };
  const graph = target.graphs[0];
  const infos = (indices: readonly number[]): TensorInfo[] =>
    indices.flatMap((i) => graph?.tensors[i] ?? []);
  return {
    key: undefined,
    inputs: infos(graph?.inputs ?? []),
    outputs: infos(graph?.outputs ?? []),
  };
}

const fixed = (shape: readonly number[]): number[] => shape.map((d) => (d < 0 ? 1 : d));
const size = (shape: readonly number[]): number =>
  fixed(shape).reduce((product, d) => product * d, 1);
const quote = (text: string): string => JSON.stringify(text);
const word = (text: string): string => {
  const plain = text.replace(/[^A-Za-z0-9_]+/g, '_');
  return /^[A-Za-z_]/.test(plain) ? plain : `input_${plain}`;
};

function javascript(file: string, target: Inspection): string {
  const { inputs, outputs } = callOf(target);
  const value = (info: TensorInfo): string =>
    info.dtype === 'string'
      ? `[${quote('text')}]`
      : `{ data: new ${kArrays[info.dtype] ?? 'Float32Array'}(${size(info.shape)}), shape: [${fixed(info.shape).join(', ')}] }`;
  return `import { loadModel } from 'zeolite';

const model = await loadModel(${quote(`./${file}`)});
const outputs = await model.run({
${inputs.map((info) => `  ${quote(info.name)}: ${value(info)},`).join('\n')}
});
${outputs.map((info) => `console.log(outputs[${quote(info.name)}].data);`).join('\n')}
await model.dispose();
`;
}

function python(file: string, target: Inspection): string {
  const { key, inputs, outputs } = callOf(target);
  const type = (dtype: DType): string =>
    dtype === 'bool' ? 'np.bool_' : dtype === 'string' ? 'object' : `np.${dtype}`;
  const zeros = (info: TensorInfo): string =>
    `np.zeros([${fixed(info.shape).join(', ')}], ${type(info.dtype)})`;
  const head = `import numpy as np
from ai_edge_litert.interpreter import Interpreter  # pip install ai-edge-litert

interpreter = Interpreter(model_path=${quote(file)})
`;
  if (key !== undefined) {
    return `${head}runner = interpreter.get_signature_runner(${quote(key)})
outputs = runner(**{
${inputs.map((info) => `    ${quote(info.name)}: ${zeros(info)},`).join('\n')}
})
${outputs.map((info) => `print(outputs[${quote(info.name)}])`).join('\n')}
`;
  }
  return `${head}${inputs.map((info, i) => `interpreter.resize_tensor_input(interpreter.get_input_details()[${i}]["index"], [${fixed(info.shape).join(', ')}])`).join('\n')}
interpreter.allocate_tensors()
${inputs.map((info, i) => `interpreter.set_tensor(interpreter.get_input_details()[${i}]["index"], ${zeros(info)})`).join('\n')}
interpreter.invoke()
${outputs.map((_, i) => `print(interpreter.get_tensor(interpreter.get_output_details()[${i}]["index"]))`).join('\n')}
`;
}

function kotlin(file: string, target: Inspection): string {
  const { key, inputs, outputs } = callOf(target);
  const buffer = (info: TensorInfo): string =>
    `ByteBuffer.allocateDirect(${size(info.shape) * (kBytes[info.dtype] ?? 4)}).order(ByteOrder.nativeOrder())  // ${info.dtype} [${fixed(info.shape).join(', ')}]`;
  const declare = (list: TensorInfo[]): string =>
    list.map((info) => `val ${word(info.name)} = ${buffer(info)}`).join('\n');
  const call =
    key !== undefined
      ? `interpreter.runSignature(
    mapOf(${inputs.map((info) => `${quote(info.name)} to ${word(info.name)}`).join(', ')}),
    mapOf(${outputs.map((info) => `${quote(info.name)} to ${word(info.name)}`).join(', ')}),
    ${quote(key)},
)`
      : `interpreter.runForMultipleInputsOutputs(
    arrayOf(${inputs.map((info) => word(info.name)).join(', ')}),
    mapOf(${outputs.map((info, i) => `${i} to ${word(info.name)}`).join(', ')}),
)`;
  return `// build.gradle: implementation("com.google.ai.edge.litert:litert:1.4.0")
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.support.common.FileUtil  // implementation("com.google.ai.edge.litert:litert-support:1.4.0")

// ${file} lies in src/main/assets.
val interpreter = Interpreter(FileUtil.loadMappedFile(context, ${quote(file)}))
${declare(inputs)}
${declare(outputs)}
${call}
interpreter.close()
`;
}

export function snippet(language: Language, file: string, target: Inspection): string {
  return { javascript, python, kotlin }[language](file, target);
}

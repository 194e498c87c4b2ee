// The page's own model: what its metadata says, fetched with the page so that a click needs no
// network.

interface SampleFile {
  title: string;
  model: string;
  bytes: number;
  preprocessing: { scale: number; offset: number };
  labels: string[];
  accuracy: number;
  accuracy_images: number;
  images: { file: string; expected: number }[];
}

export interface SampleImage {
  blob: Blob;
  /** An address of `blob` for an image element. */
  url: string;
  expected: number;
}

export interface Sample {
  title: string;
  file: File;
  /** value = byte * scale + offset */
  scale: number;
  offset: number;
  labels: string[];
  accuracy: number;
  accuracyImages: number;
  images: SampleImage[];
}

async function get(path: string): Promise<Response> {
  const response = await fetch(new URL(`sample/${path}`, document.baseURI));
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

export async function fetchSample(): Promise<Sample> {
  const about = (await (await get('sample.json')).json()) as SampleFile;
  const [model, ...pictures] = await Promise.all([
    get(about.model).then((response) => response.blob()),
    ...about.images.map((image) => get(image.file).then((response) => response.blob())),
  ]);
  return {
    title: about.title,
    file: new File([model!], about.model),
    scale: about.preprocessing.scale,
    offset: about.preprocessing.offset,
    labels: about.labels,
    accuracy: about.accuracy,
    accuracyImages: about.accuracy_images,
    images: pictures.map((blob, i) => ({
      blob,
      url: URL.createObjectURL(blob),
      expected: about.images[i]!.expected,
    })),
  };
}

// Which layer became which operators, and back.
import type { ConvertReport, Inspection } from 'zeolite';

/** A node of an inspection. */
export interface Ref {
  graph: number;
  node: number;
}

const keyOf = ({ graph, node }: Ref): string => `${graph}:${node}`;

export class Links {
  private readonly targets = new Map<string, Ref[]>();
  private readonly sources = new Map<string, Ref[]>();
  private readonly foldings = new Map<string, string>();

  constructor(
    source: Inspection | undefined,
    target: Inspection | undefined,
    report: ConvertReport | undefined,
  ) {
    if (!source || !target || !report) return;
    const byPath = new Map<string, Ref>();
    source.graphs.forEach((graph, g) =>
      graph.nodes.forEach((node, n) => byPath.set(node.path, { graph: g, node: n })),
    );
    for (const layer of report.layers) {
      const from = byPath.get(layer.path);
      if (!from) continue;
      if (layer.folded) this.foldings.set(keyOf(from), layer.folded);
      for (const { subgraph, operator } of layer.operators) {
        const to = { graph: subgraph, node: operator };
        if (!target.graphs[subgraph]?.nodes[operator]) continue;
        add(this.targets, from, to);
        add(this.sources, to, from);
      }
    }
  }

  /** The operators that a source layer became, or was folded into. */
  became(layer: Ref): readonly Ref[] {
    return this.targets.get(keyOf(layer)) ?? [];
  }

  /** The source layers that an operator came from. */
  cameFrom(operator: Ref): readonly Ref[] {
    return this.sources.get(keyOf(operator)) ?? [];
  }

  /** Into what a layer went that has no operator of its own, in the report's words. */
  folded(layer: Ref): string | undefined {
    return this.foldings.get(keyOf(layer));
  }
}

function add(map: Map<string, Ref[]>, from: Ref, to: Ref): void {
  const list = map.get(keyOf(from));
  if (list) list.push(to);
  else map.set(keyOf(from), [to]);
}

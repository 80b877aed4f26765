/** Reads a body as text. @throws Error The body has more than `mostBytes` bytes; what is left of it is not read. */
export async function boundedText(body: AsyncIterable<Uint8Array>, mostBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new Error(`the answer is larger than ${mostBytes >> 10} KiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

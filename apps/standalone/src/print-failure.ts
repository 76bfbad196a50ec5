/** What stopped `npm start`, for a person. An error of ours says what to do; the place is worth a look only for others. */
export function printFailure(error: unknown): void {
  const isOurs = error instanceof Error && !builtIn.has(error.name)
  process.stderr.write(`\n${isOurs || !(error instanceof Error) ? messageOf(error) : (error.stack ?? error.message)}\n`)
}

const builtIn = new Set(['Error', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'])

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

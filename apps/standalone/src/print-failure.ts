/** Prints why `npm start` failed. Warmhook's own errors say what to do; others are printed with their stack. */
export function printFailure(error: unknown): void {
  const isOurs = error instanceof Error && !builtIn.has(error.name)
  process.stderr.write(`\n${isOurs || !(error instanceof Error) ? messageOf(error) : (error.stack ?? error.message)}\n`)
}

const builtIn = new Set(['Error', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'])

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

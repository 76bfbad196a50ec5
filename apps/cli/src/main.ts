#!/usr/bin/env node
import { buffer } from 'node:stream/consumers'
import { createProgram } from './create-program.ts'

const program = createProgram({
  env: process.env,
  print: (line) => process.stdout.write(`${line}\n`),
  isInteractive: process.stdout.isTTY && process.stdin.isTTY,
  fail: () => {
    process.exitCode = 1
  },
  readInput: () => buffer(process.stdin),
})
try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`warmhook: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

/** A hook in a circle. */
export const favicon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<circle cx="16" cy="16" r="16" fill="#c2410c"/>
<path d="M16 5v13a4.5 4.5 0 1 1-9 0v-2" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" transform="translate(5)"/>
</svg>`

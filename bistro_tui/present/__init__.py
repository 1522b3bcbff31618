"""Pure text-making: view to rows, words, colours; the one sanitiser of foreign text."""

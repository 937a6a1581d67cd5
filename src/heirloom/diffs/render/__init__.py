"""One answer, four spellings: `page` lays it out once as sections of plain blocks; terminal, markdown and HTML only spell blocks."""

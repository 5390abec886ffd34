HELLO = "Grüß Gott und guten Tag"

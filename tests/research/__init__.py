"""What the vendor says, read without a loop, and how it is asked, over fakes."""
